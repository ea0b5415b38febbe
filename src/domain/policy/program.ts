import type { PractitionerRole } from '../case/vocabulary.ts'
import type { Catalogue, Freshness } from '../catalogue/types.ts'
import type { CellIndex } from './cell-index.ts'
import type {
  AgreementClause,
  BasisClause,
  DutyStatement,
  FromClause,
  GuardrailStatement,
  PolicyDocument,
  RecipientClause,
  Transfer,
  WhenClause,
} from './document.ts'
import type { ReasonCode } from './reasons.ts'
import type { FlagSets } from './flag-sets.ts'
import type { ForbidMarks, PermitMarks } from './rule-marks.ts'
import type { RuleTable } from './rule-table.ts'
import type { KnownAnswers } from './known-answers.ts'
import type { Selection } from './selection.ts'
import type { Basis, Regime, Transform } from './verdict.ts'
import type { PolicyVocabulary } from './vocabulary.ts'

/**
 * What a rule can match, as a union of boxes over attributes; every list is an allow-list, absent is
 * any. Plain data: decisions read it through tables, proofs and diffs read it as it stands.
 */
export interface RuleScope {
  readonly id: string
  /** Id of the document that holds it. */
  readonly policy: string
  readonly to: RecipientClause
  readonly purpose?: readonly string[]
  /** Roles, and parties, of the person asked about. */
  readonly subject?: readonly string[]
  readonly party?: readonly string[]
  readonly from: FromClause
  readonly transfer: readonly Transfer[]
  readonly selections: readonly Selection[]
  readonly informant?: readonly string[]
  readonly informantParty?: readonly string[]
  /** Restricted values only. */
  readonly restricted?: true
  readonly except?: Exclusion
  readonly when?: WhenClause
}

/** Values that the rule leaves out: whatever meets one of these. */
export interface Exclusion {
  readonly selections: readonly Selection[]
  readonly informant: readonly string[]
  readonly informantParty: readonly string[]
  readonly kind: readonly string[]
  readonly flag: readonly string[]
}

/** A permit with its defaults filled in. Durations in milliseconds. */
export interface Permit extends RuleScope {
  readonly agreement?: AgreementClause
  readonly exception?: readonly string[]
  readonly justification: boolean
  readonly ethicsNote: boolean
  readonly training: readonly { readonly code: string; readonly maxAge: number }[]
  readonly verified: boolean
  readonly withholdContested: boolean
  readonly maxAge: 'catalogue' | number
  readonly withholdStale: boolean
  readonly boundToken: boolean
  readonly sealed: boolean
  readonly consent: ConsentNeed
  /** Grounds recorded when no consent carried the release, by regime. */
  readonly basis: Readonly<Record<Regime, Basis>>
  /** Bits of `legal-regime.ts`: set where this permit has no ground. */
  readonly groundless: number
  readonly legal: BasisClause
  readonly transform?: Transform
  readonly review?: { readonly by: PractitionerRole; readonly within: string }
  readonly expiresAfter?: string
  /** Sorted. */
  readonly obligations: readonly string[]
}

/** Consent is needed unless one of these holds; `null`: never needed. */
export type ConsentNeed = {
  readonly exception: readonly string[]
  readonly flags: readonly string[]
  readonly purpose: readonly string[]
} | null

export interface Forbid extends RuleScope {
  readonly unless: readonly string[]
  readonly unlessConsent: boolean
  /** Parties whose consent it takes; absent: whoever's consent counts for the value. */
  readonly consentBy?: readonly string[]
  readonly silent: boolean
  readonly reason: ReasonCode
}

/**
 * Rules compiled against one vocabulary and one catalogue. Immutable: `compile` is the only maker, and
 * nothing writes to the tables after it. `flagSets` and `known` remember what was worked out from them.
 */
export interface Program {
  /** `sha256:` and hexadecimal, over the canonical JSON of the documents sorted by id. */
  readonly hash: string
  /** Sorted by id; what was compiled. */
  readonly documents: readonly PolicyDocument[]
  readonly catalogue: Catalogue
  readonly vocabulary: PolicyVocabulary
  /** Sorted by id, code-unit order, as are forbids, duties and guardrails. */
  readonly permits: readonly Permit[]
  readonly forbids: readonly Forbid[]
  readonly duties: readonly DutyStatement[]
  readonly guardrails: readonly GuardrailStatement[]
  /** When values of each field go stale here, by catalogue index: the catalogue's, or a profile's. */
  readonly freshness: readonly Freshness[]
  /** The same in milliseconds; not a number where it is up to flags. */
  readonly staleAfter: Float64Array
  /** Purposes for which competent authorities act under the LED among themselves. */
  readonly ledPurposes: readonly string[]
  /** Number of the legal class of each field, by catalogue index. */
  readonly legalClasses: Uint8Array
  readonly cells: CellIndex
  readonly permitTable: RuleTable
  readonly forbidTable: RuleTable
  readonly permitMarks: PermitMarks
  readonly forbidMarks: ForbidMarks
  readonly flagSets: FlagSets
  readonly known: KnownAnswers
}
