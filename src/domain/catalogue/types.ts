/**
 * The vocabulary of the field catalogue: what is known of every field before any value exists.
 *
 * The closed lists stand here once, with their meanings; the types are derived from them.
 * `domain.md` §2 of the project's domain pages is their source.
 */
import type { FieldFlag } from './policy-flags.ts'
import type { ValueType } from './value-type.ts'

// The rest of the vocabulary, so that it can be had from one place.
export { POLICY_FLAGS } from './policy-flags.ts'
export type { PolicyFlag } from './policy-flags.ts'
export { RECORD_TYPES } from './records.generated.ts'
export type { FieldId, RecordFields, RecordType } from './records.generated.ts'

/** A parsed JSON Schema (2020-12). Members are read with care, never trusted. */
export type JsonSchema = { readonly [keyword: string]: unknown }

/** Data categories (GDPR Art. 9 and 10 among them); one field may fall into several. */
export const CATEGORY_MEANINGS = {
  O: 'ordinary personal data',
  S9: 'special category (GDPR Art. 9)',
  C10: 'criminal matter (GDPR Art. 10, Directive (EU) 2016/680)',
  K: 'data of a child',
  L: 'location- or safety-critical',
} as const
export type DataCategory = keyof typeof CATEGORY_MEANINGS
export const CATEGORIES = namesOf(CATEGORY_MEANINGS)

/** The parties of a case: whom a person belongs with, and for whom an agency can act. */
export const PARTIES = ['victim', 'perpetrator', 'child'] as const
export type Party = (typeof PARTIES)[number]

/**
 * Whom a value locates, or could endanger by locating, whoever the subject of its record is.
 * `subject` stands for the party of that subject, in record types that any party may have.
 */
export const LOCATED = [...PARTIES, 'subject'] as const
export type Located = (typeof LOCATED)[number]

/** About whom a record may be: a party, anybody, or the case as a whole (then it has no subject). */
export const SUBJECT_KINDS = [...PARTIES, 'any', 'case'] as const
export type SubjectKind = (typeof SUBJECT_KINDS)[number]

/**
 * Informants: from whom a value comes. `CH` is the child itself; it is the typical informant of no
 * field, because professionals record what it says, but a provenance may name it.
 */
export const INFORMANT_MEANINGS = {
  V: 'victim',
  P: 'perpetrator',
  CH: 'child',
  PO: 'police',
  PR: 'prosecution, court or probation',
  VS: 'victim support',
  PP: 'perpetrator programme',
  HE: 'health service',
  MH: 'mental health service',
  AD: 'addiction service',
  CP: 'child protection',
  SC: 'school or childcare',
  SO: 'social services',
  MI: 'migration authority',
  IN: 'interpreter pool',
  CO: 'coordination body',
  SY: 'this system',
} as const
export type Informant = keyof typeof INFORMANT_MEANINGS
export const INFORMANTS = namesOf(INFORMANT_MEANINGS)

/** Informants that a field can only name by their part in the matter at hand. */
export const RELATIVE_INFORMANT_MEANINGS = {
  sender: 'the agency that refers',
  receiver: 'the agency referred to',
  owner: 'the agency that undertook the action',
} as const
export type RelativeInformant = keyof typeof RELATIVE_INFORMANT_MEANINGS
export const RELATIVE_INFORMANTS = namesOf(RELATIVE_INFORMANT_MEANINGS)

/** LED Art. 7(1): facts are told apart from assessments, and both from what somebody says. */
export const STATEMENT_KINDS = ['fact', 'assessment', 'statement'] as const
export type StatementKind = (typeof STATEMENT_KINDS)[number]

/**
 * How long a verified value counts as fresh. `days` are whole days of 24 h since `verifiedAt`, fewer
 * if the record carries a flag named in `whenFlag`. An `event` never goes stale but is shown with its
 * date; a `static` value is identity-like.
 */
export type Freshness =
  | {
      readonly kind: 'days'
      readonly days: number
      readonly whenFlag?: Readonly<Record<string, number>>
    }
  | { readonly kind: 'event' }
  | { readonly kind: 'static' }

/** One field of one record type. Frozen; compare by identity or by `index`. */
export interface FieldDefinition {
  /** `record_type.field`, unique in the catalogue. */
  readonly id: string
  readonly record: string
  readonly name: string
  /** Selector form of the group, for example `programme_engagement/event`. */
  readonly group: string
  /** The group as the domain pages write it, for example `PRG.event`. */
  readonly groupCode: string
  readonly title: string
  readonly description: string
  /** At least one; all of their tests must pass. */
  readonly categories: readonly DataCategory[]
  readonly locates: readonly Located[]
  /** Typical informants; a deposit may name another one. */
  readonly informants: readonly (Informant | RelativeInformant)[]
  readonly freshness: Freshness
  /** Policy flags that a value of this field can raise. */
  readonly flags: readonly FieldFlag[]
  /** Whether a value holds free text, in whole or in part. */
  readonly text: boolean
  /** Typical kind of statement, where the domain fixes one. */
  readonly kind: StatementKind | null
  readonly type: ValueType
  /** Whether a value is a list of `type`. */
  readonly list: boolean
  /** The closed list of codes a value may take or contain; null where there is none. */
  readonly codes: readonly string[] | null
  /** About whom the record must be to hold this field; narrower than the record's for `contact_location`. */
  readonly subjects: readonly SubjectKind[]
  /** Position in `Catalogue.fields`: 0 … n − 1, without gaps. Valid for this catalogue only. */
  readonly index: number
}

/** One record type with its fields in the order of the schema. */
export interface RecordDefinition {
  readonly type: string
  readonly title: string
  readonly description: string
  readonly subjects: readonly SubjectKind[]
  readonly fields: readonly FieldDefinition[]
  /** The JSON Schema that a record's `fields` object must satisfy; a frozen copy. */
  readonly schema: JsonSchema
}

/** All record types, ordered by name, and all fields, ordered by index. Frozen all through. */
export interface Catalogue {
  readonly records: readonly RecordDefinition[]
  readonly fields: readonly FieldDefinition[]
  /** Objects without prototype, so that no inherited name is ever found in them. */
  readonly recordsByType: Readonly<Record<string, RecordDefinition>>
  readonly fieldsById: Readonly<Record<string, FieldDefinition>>
  /** Fields per group in selector form (`record_type/group`). */
  readonly fieldsByGroup: Readonly<Record<string, readonly FieldDefinition[]>>
}

function namesOf<Name extends string>(table: Readonly<Record<Name, string>>): readonly Name[] {
  return Object.freeze(Object.keys(table) as Name[])
}
