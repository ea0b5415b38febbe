/** The neutral rules as policy documents of the server's own language, with their own vocabulary. */
import type { Catalogue, FieldDefinition } from '../../src/domain/catalogue/types.ts'
import { compile, type Program } from '../../src/domain/policy/compile.ts'
import type {
  FieldClause,
  ForbidStatement,
  PermitStatement,
  PolicyDocument,
} from '../../src/domain/policy/document.ts'
import { describeFault } from '../../src/domain/policy/fault.ts'
import { parsePolicy } from '../../src/domain/policy/parse.ts'
import type { Transform } from '../../src/domain/policy/verdict.ts'
import type { PolicyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { type Box, boxesOf, whole, wordsIn } from './boxes.ts'
import { FIELDS_PER_REQUEST } from './neutral-requests.ts'
import type { NeutralRule, Weakening } from './neutral-rules.ts'
import { DOMAINS, LASTS } from './neutral-words.ts'

/** Rules in the server's language, and which of its rules came from which neutral one. */
export interface Translation {
  readonly program: Program
  readonly ruleOf: ReadonlyMap<string, PlacedRule>
}

/** A neutral rule and its place among them. */
export type PlacedRule = NeutralRule & { readonly position: number }

/** Flags by which attributes show that have no clause of their own. */
export const FLAGS = [
  'agreement',
  'secured',
  'unverified',
  'stale',
  'granted',
  'withdrawn',
] as const

/** What each weaker form is in the server, and of what type the fields are that can have it. */
const FORMS: Readonly<Record<Weakening, readonly [Transform, FieldDefinition['type']]>> = {
  pseudonymise: ['month', 'datetime'],
  'area-only': ['municipality', 'address'],
  'flag-only': ['presence', 'text'],
  summary: ['year', 'date'],
  band: ['code_only', 'coded'],
  'offence-class': ['code_only', 'coded'],
}

/**
 * Translates and compiles. A permit becomes one permit; a forbid becomes one forbid per box, since its
 * exceptions are conjunctions and an `unless` of the server lists claims.
 *
 * - sector, role, purpose: clauses of the same name, with the neutral words as vocabulary
 * - category: record type; subject: party of the record's subject; source: informant
 * - emergency: a claimed exception, which opens permits and lifts forbids
 * - channel of 2: bound token, of 3: sealed as well, of 1: flag `secured`
 * - verified, fresh: the clauses of permits; of forbids, which have none, flags
 * - agreement: the clause of permits; of forbids a flag
 * - consent: flags of the value, since neutral consent is no more than that
 *
 * @throws Error when a rule asks for something that has no translation, or does not compile
 */
export function translate(rules: readonly NeutralRule[]): Translation {
  const ruleOf = new Map<string, PlacedRule>()
  const permit: PermitStatement[] = []
  const forbid: ForbidStatement[] = []
  rules.forEach((rule, position) => {
    const placed = { ...rule, position }
    boxesOf(rule).forEach(({ box }, i) => {
      const id = rule.effect === 'permit' ? rule.id : `${rule.id}.${i + 1}`
      ruleOf.set(id, placed)
      if (rule.effect === 'permit') permit.push(permitOf(id, rule, box))
      else forbid.push(forbidOf(id, box))
    })
  })
  const catalogue = neutralCatalogue(rules)
  const documents = [document('permits', { permit }), document('forbids', { forbid })]
  const compiled = compile(documents, catalogue, neutralVocabulary())
  if (!compiled.ok) throw new Error(compiled.faults.map(describeFault).join('\n'))
  return { program: compiled.program, ruleOf }
}

/** The neutral name of a transform of a value, by its category. */
export function weakeningOf(transform: Transform, category: string): Weakening | undefined {
  const names = (Object.keys(FORMS) as Weakening[]).filter((name) => FORMS[name][0] === transform)
  if (names.length < 2) return names[0]
  return category === 'risk-score' ? 'band' : 'offence-class'
}

function permitOf(id: string, rule: NeutralRule, box: Box): PermitStatement {
  const sector = wordsIn('sector', box)
  const role = wordsIn('role', box)
  const level = [0b1111, 0b1110, 0b1100, 0b1000].indexOf(box.channel)
  must(level >= 0, 'a permit takes channels from some strength on')
  must(isOneOf(box.emergency, ANY, YES), 'a permit may need an emergency')
  must(isOneOf(box.agreement, ANY, YES), 'a permit may need an agreement')
  must(isOneOf(box.verified, ANY, YES), 'a permit may need verification')
  const flags = [
    ...(level === 1 ? ['secured'] : []),
    ...(box.fresh === NO ? ['stale'] : []),
    ...(box.consent === CONSENT.granted ? ['granted'] : []),
  ]
  must(isOneOf(box.consent, whole('consent'), CONSENT.granted), 'a permit may need consent')
  return {
    id,
    to: { ...(sector ? { sector } : {}), ...(role ? { role } : {}), actsFor: ['all'] },
    purpose: wordsIn('purpose', box) ?? [...DOMAINS.purpose],
    fields: fieldsOf(box),
    ...(flags.length > 0 ? { when: { flags } } : {}),
    ...(box.agreement === YES ? { agreement: { required: true } } : {}),
    ...(box.emergency === YES ? { exception: ['emergency'] } : {}),
    necessary: { because: 'the neutral rules say so' },
    accurate: { verified: box.verified === YES ? 'required' : 'any' },
    timely: { maxAge: box.fresh === YES ? 'catalogue' : 'none', onStale: 'withhold' },
    secure: {
      channel: level >= 2 ? 'sender_constrained' : 'any',
      sealed: level === 3 ? 'required' : 'optional',
    },
    basis: { gdpr: ['A6-1-e'], consent: 'not_needed' },
    ...(rule.weakening ? { transform: FORMS[rule.weakening][0] } : {}),
  }
}

function forbidOf(id: string, box: Box): ForbidStatement {
  const sector = wordsIn('sector', box)
  const role = wordsIn('role', box)
  const purpose = wordsIn('purpose', box)
  must(isOneOf(box.emergency, ANY, NO), 'a forbid may be lifted in an emergency')
  must(isOneOf(box.agreement, ANY, NO), 'a forbid may be lifted by an agreement')
  must(isOneOf(box.verified, ANY, NO), 'a forbid may be lifted by verification')
  must(isOneOf(box.fresh, ANY, NO), 'a forbid may hold for what is stale')
  must(isOneOf(box.channel, whole('channel'), 0b0001), 'a forbid may hold for open channels')
  const flags = [
    ...(box.verified === NO ? ['unverified'] : []),
    ...(box.fresh === NO ? ['stale'] : []),
    ...(box.consent === CONSENT.withdrawn ? ['withdrawn'] : []),
  ]
  const noFlags = [
    ...(box.channel === 0b0001 ? ['secured'] : []),
    ...(box.agreement === NO ? ['agreement'] : []),
    ...(box.consent === notGranted ? ['granted'] : []),
  ]
  const all = whole('consent')
  must(isOneOf(box.consent, all, CONSENT.withdrawn, notGranted), 'a forbid may ask for consent')
  return {
    id,
    ...(sector || role ? { to: { ...(sector ? { sector } : {}), ...(role ? { role } : {}) } } : {}),
    ...(purpose ? { purpose } : {}),
    fields: fieldsOf(box),
    ...(flags.length + noFlags.length > 0
      ? {
          when: {
            ...(flags.length > 0 ? { flags } : {}),
            ...(noFlags.length > 0 ? { noFlags } : {}),
          },
        }
      : {}),
    unless: box.emergency === NO ? ['emergency'] : [],
    explain: 'reason',
  }
}

const [NO, YES, ANY] = [0b01, 0b10, 0b11] as const
const CONSENT = { granted: 0b0001, withdrawn: 0b0010 } as const
const notGranted = 0b1110

function isOneOf(set: number, ...sets: readonly number[]): boolean {
  return sets.includes(set)
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`no translation: ${what}, and no more`)
}

function fieldsOf(box: Box): FieldClause {
  const locates = wordsIn('subject', box)
  const informant = wordsIn('source', box)
  return {
    record: wordsIn('category', box) ?? [...DOMAINS.category],
    ...(locates ? { locates } : {}),
    ...(informant ? { informant } : {}),
  }
}

/** Goes through the parser, so that the shape is checked as well. */
function document(policy: string, statements: Partial<PolicyDocument>): PolicyDocument {
  const title = 'Neutral rules'
  const parsed = parsePolicy({ policy, title, source: ['made up for comparisons'], ...statements })
  if (!parsed.ok) throw new Error(parsed.faults.map(describeFault).join('\n'))
  return parsed.parsed.document
}

function neutralVocabulary(): PolicyVocabulary {
  return {
    sector: DOMAINS.sector,
    role: DOMAINS.role,
    personRole: DOMAINS.subject,
    party: DOMAINS.subject,
    purpose: DOMAINS.purpose,
    exception: ['emergency'],
    actsFor: ['all'],
    training: [],
    informant: DOMAINS.source,
    kind: ['fact'],
    category: ['O'],
    flag: FLAGS,
    record: DOMAINS.category,
    obligation: [],
  }
}

/** One record type per category; each field may locate whoever its record is about. */
function neutralCatalogue(rules: readonly NeutralRule[]): Catalogue {
  const fields = Array.from({ length: FIELDS_PER_REQUEST }, (_, index): FieldDefinition => {
    const record = DOMAINS.category[index % DOMAINS.category.length] as string
    const name = `f${index}`
    return Object.freeze({
      id: `${record}.${name}`,
      record,
      name,
      group: `${record}/all`,
      groupCode: 'ALL.all',
      title: name,
      description: name,
      categories: ['O'],
      locates: ['subject'],
      informants: [],
      freshness: { kind: 'days', days: LASTS[record] ?? 0 },
      flags: [],
      text: false,
      kind: null,
      type: typeOf(record, rules),
      list: false,
      codes: null,
      subjects: ['any'],
      index,
    } satisfies FieldDefinition)
  })
  const byKey = (key: 'record' | 'group') => Object.groupBy(fields, (field) => field[key])
  const records = Object.entries(byKey('record')).map(([type, ofType = []]) => ({
    type,
    title: type,
    description: type,
    subjects: ['any' as const],
    fields: ofType,
    schema: {},
  }))
  return Object.freeze({
    records,
    fields,
    recordsByType: Object.fromEntries(records.map((record) => [record.type, record])),
    fieldsById: Object.fromEntries(fields.map((field) => [field.id, field])),
    fieldsByGroup: byKey('group') as Catalogue['fieldsByGroup'],
  })
}

/** A type that every weaker form fits which the rules ask for. */
function typeOf(category: string, rules: readonly NeutralRule[]): FieldDefinition['type'] {
  const types = rules.flatMap(({ weakening, when }) =>
    weakening && (when.category as readonly string[]).includes(category)
      ? [FORMS[weakening][1]]
      : [],
  )
  return types[0] ?? 'text'
}
