import type { Catalogue, FieldDefinition } from '../../catalogue/types.ts'
import { canonicalize, type Json } from '../../log/canonical.ts'
import type { PolicyVocabulary } from '../vocabulary.ts'
import type { WordBox } from './boxes.ts'
import type { Effect } from './effects.ts'

/** Fields of several classes to which the same happens for the same recipients and purposes. */
export interface Found {
  readonly before: Effect
  readonly after: Effect
  readonly line: string
  readonly box: WordBox
  readonly always: boolean
  readonly dependsOn: readonly string[]
  readonly example: Readonly<Record<string, unknown>>
  readonly fields: FieldDefinition[]
}

/** One line of a diff, for reading and for machines. */
export interface DiffGroup {
  /** More leaves, less leaves, or the same leaves on other terms. */
  readonly kind: 'gains' | 'loses' | 'changes'
  /** “victim_support/vss_advocate gains risk_assessment/core for partner_contact: withheld → released”. */
  readonly text: string
  readonly sectors: readonly string[] | 'any'
  readonly roles: readonly string[] | 'any'
  readonly purposes: readonly string[] | 'any'
  /** Selectors: `record.*`, `record/group` where all fields of it are meant, else `record.field`. */
  readonly fields: readonly string[]
  readonly before: Effect
  readonly after: Effect
  /** Whatever else holds; else it depends on the attributes named, of the example at least. */
  readonly always: boolean
  readonly dependsOn: readonly string[]
  /** One situation in which it happens; what is not named may be anything. */
  readonly example: Readonly<Record<string, unknown>>
}

const REVEALS = { withheld: 0, review: 1, generalised: 2, released: 3 } as const

/** A finding as a line. */
export function groupOf(found: Found, catalogue: Catalogue, words: PolicyVocabulary): DiffGroup {
  const { before, after, line, box, always, dependsOn, example } = found
  const sectors = anyOf(box.sector, words.sector)
  const roles = anyOf(box.role, words.role)
  const purposes = anyOf(box.purpose, words.purpose)
  const fields = selectorsOf(found.fields, catalogue)
  const kind = kindOf(before, after)
  const who = `${said(sectors, 'any sector')}/${said(roles, 'any role')}`
  const verb = kind === 'changes' ? 'gets other terms for' : kind
  const depending = always ? '' : ' (in some situations)'
  const text = `${who} ${verb} ${fields.join(', ')} for ${said(purposes, 'any purpose')}: ${line}${depending}`
  const shown = { sectors, roles, purposes, fields }
  return { kind, text, ...shown, before, after, always, dependsOn, example }
}

/** Whether more leaves, less, or the same. */
export function kindOf(before: Effect, after: Effect): DiffGroup['kind'] {
  const more = REVEALS[after.outcome] - REVEALS[before.outcome]
  return more > 0 ? 'gains' : more < 0 ? 'loses' : 'changes'
}

/** What was and what will be, as far as they differ. */
export function lineOf(before: Effect, after: Effect): string {
  const [old, now] = [inWords(before), inWords(after)]
  if (old !== now) return `${old} → ${now}`
  const keys = new Set([...Object.keys(before.terms), ...Object.keys(after.terms)])
  const parts = [...keys].sort().flatMap((key) => {
    const [a = null, b = null] = [before.terms[key], after.terms[key]]
    return canonicalize(a) === canonicalize(b) ? [] : [`${key} ${show(a)} → ${show(b)}`]
  })
  return parts.join('; ')
}

function inWords({ outcome, silent, terms }: Effect): string {
  if (outcome === 'withheld') return silent ? 'withheld in silence' : 'withheld'
  return outcome === 'generalised' ? `generalised to ${show(terms['transform'] ?? null)}` : outcome
}

function show(value: Json): string {
  return typeof value === 'string' ? value : canonicalize(value)
}

function anyOf(
  words: readonly string[] | undefined,
  all: readonly string[],
): readonly string[] | 'any' {
  return words === undefined || words.length === all.length ? 'any' : words
}

function said(words: readonly string[] | 'any', any: string): string {
  if (words === 'any') return any
  return words.length === 1 ? (words[0] ?? '') : `{${words.join(', ')}}`
}

/** The shortest selectors that mean exactly these fields. */
export function selectorsOf(
  fields: readonly FieldDefinition[],
  catalogue: Catalogue,
): readonly string[] {
  const wanted = new Set(fields)
  const selectors: string[] = []
  for (const { type, fields: all } of catalogue.records) {
    if (all.every((field) => wanted.has(field))) {
      selectors.push(`${type}.*`)
      continue
    }
    for (const group of new Set(all.map((field) => field.group))) {
      const members = all.filter((field) => field.group === group)
      if (members.every((field) => wanted.has(field))) selectors.push(group)
      else selectors.push(...members.filter((field) => wanted.has(field)).map(({ id }) => id))
    }
  }
  return selectors
}
