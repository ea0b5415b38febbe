import { type Box, boxesOf, type RuleBox } from './boxes.ts'
import type { NeutralField, NeutralRequest } from './neutral-requests.ts'
import type { NeutralRule, Weakening } from './neutral-rules.ts'
import { type Attribute, ATTRIBUTES, DOMAINS } from './neutral-words.ts'
import type { Engine, Outcome } from './outcome.ts'

/**
 * The baseline: a program written by hand for these attributes and nothing else. For every value of
 * every attribute it knows which boxes accept it, as bits of a few words; a decision is the
 * intersection of twelve rows. Strings in, every reason out.
 */
export function bitVectors(rules: readonly NeutralRule[]): Engine {
  const tables = buildTables(rules)
  const { words, row, rows } = tables
  const { sector, role, purpose, emergency, agreement, channel } = rows
  const ofRequest = new Int32Array(words)
  const matching = new Int32Array(words)
  return {
    name: 'bit vectors',
    complete: true,
    decide(request: NeutralRequest) {
      const atSector = row.sector.get(request.sector) ?? 0
      const atRole = row.role.get(request.role) ?? 0
      const atPurpose = row.purpose.get(request.purpose) ?? 0
      const atEmergency = request.emergency ? words : 0
      const atAgreement = request.agreement ? words : 0
      const atChannel = request.channel * words
      for (let i = 0; i < words; i++) {
        ofRequest[i] =
          sector[atSector + i]! &
          role[atRole + i]! &
          purpose[atPurpose + i]! &
          emergency[atEmergency + i]! &
          agreement[atAgreement + i]! &
          channel[atChannel + i]!
      }
      const { fields } = request
      const outcomes = new Array<Outcome>(fields.length)
      for (let i = 0; i < fields.length; i++) {
        outcomes[i] = decideField(tables, ofRequest, matching, fields[i]!)
      }
      return outcomes
    },
  }
}

interface Tables {
  /** Words per row; the first `permitWords` hold permits, the rest forbids. */
  readonly words: number
  readonly permitWords: number
  readonly rows: Readonly<Record<Attribute, Int32Array>>
  /** Where the row of a word begins. */
  readonly row: Readonly<Record<Attribute, ReadonlyMap<string, number>>>
  /** By bit: position of the rule, or -1. */
  readonly ruleOf: Int32Array
  readonly ids: readonly string[]
  readonly weakenings: readonly (Weakening | null)[]
}

function decideField(
  tables: Tables,
  ofRequest: Int32Array,
  matching: Int32Array,
  field: NeutralField,
): Outcome {
  const { words, permitWords, row, rows, ruleOf, ids, weakenings } = tables
  const { category, subject, source, consent, verified, fresh } = rows
  const atCategory = row.category.get(field.category) ?? 0
  const atSubject = row.subject.get(field.subject) ?? 0
  const atSource = row.source.get(field.source) ?? 0
  const atConsent = row.consent.get(field.consent) ?? 0
  const atVerified = field.verified ? words : 0
  const atFresh = field.ageDays <= field.maxAgeDays ? words : 0
  let forbidden = 0
  for (let i = 0; i < words; i++) {
    const word =
      ofRequest[i]! &
      category[atCategory + i]! &
      subject[atSubject + i]! &
      source[atSource + i]! &
      consent[atConsent + i]! &
      verified[atVerified + i]! &
      fresh[atFresh + i]!
    matching[i] = word
    if (i >= permitWords) forbidden |= word
  }
  const reasons: string[] = []
  let plain = false
  let first = -1
  let last = -1
  const end = forbidden ? words : permitWords
  for (let i = forbidden ? permitWords : 0; i < end; i++) {
    for (let word = matching[i]!; word !== 0; word &= word - 1) {
      const rule = ruleOf[i * 32 + 31 - Math.clz32(word & -word)]!
      // Boxes of one rule are neighbours.
      if (rule === last) continue
      last = rule
      reasons.push(ids[rule]!)
      if (first < 0) first = rule
      if (weakenings[rule] === null) plain = true
    }
  }
  if (forbidden || first < 0) return { decision: 'deny', weakening: null, reasons }
  if (plain) return { decision: 'permit', weakening: null, reasons }
  return { decision: 'transform', weakening: weakenings[first]!, reasons }
}

function buildTables(rules: readonly NeutralRule[]): Tables {
  const boxes = rules.flatMap(boxesOf)
  const permits = boxes.filter(({ rule }) => rule.effect === 'permit')
  const forbids = boxes.filter(({ rule }) => rule.effect === 'forbid')
  const permitWords = Math.ceil(permits.length / 32)
  const words = permitWords + Math.ceil(forbids.length / 32)
  const places = [
    ...permits.map((box, i) => [i, box] as const),
    ...forbids.map((box, i) => [permitWords * 32 + i, box] as const),
  ]
  const position = new Map(rules.map((rule, i) => [rule, i]))
  const ruleOf = new Int32Array(words * 32).fill(-1)
  for (const [bit, { rule }] of places) ruleOf[bit] = position.get(rule) ?? -1
  return {
    words,
    permitWords,
    rows: perAttribute((name) => buildRows(name, places, words)),
    row: perAttribute(
      (name) => new Map(DOMAINS[name].map((value, i) => [String(value), i * words])),
    ),
    ruleOf,
    ids: rules.map(({ id }) => id),
    weakenings: rules.map(({ weakening }) => weakening),
  }
}

function buildRows(
  name: Attribute,
  places: readonly (readonly [bit: number, box: RuleBox])[],
  words: number,
): Int32Array {
  const rows = new Int32Array(DOMAINS[name].length * words)
  for (const [bit, { box }] of places) {
    for (let value = 0; value < DOMAINS[name].length; value++) {
      if (((box as Box)[name] >>> value) & 1) rows[value * words + (bit >> 5)]! |= 1 << (bit & 31)
    }
  }
  return rows
}

function perAttribute<T>(make: (name: Attribute) => T): Readonly<Record<Attribute, T>> {
  return Object.fromEntries(ATTRIBUTES.map((name) => [name, make(name)])) as Record<Attribute, T>
}
