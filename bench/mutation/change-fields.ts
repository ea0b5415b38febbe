import { selectFields } from '../../src/domain/catalogue/select.ts'
import type { Catalogue, FieldDefinition } from '../../src/domain/catalogue/types.ts'
import type { FieldClause } from '../../src/domain/policy/document.ts'
import { fieldsEver, resolveFields } from '../../src/domain/policy/selection.ts'
import type { WordList } from '../../src/domain/policy/vocabulary.ts'
import {
  type Change,
  isObject,
  type Json,
  type JsonObject,
  partAt,
  picked,
  withPart,
  wordsAt,
} from './change.ts'
import { fewerWords, moreWords, swapped } from './change-sets.ts'
import type { Words } from './mutant.ts'

/** The fields of a rule, and those that it leaves out, by one field more or less. */
export function changedFields(rule: JsonObject, words: Words): readonly Change[] {
  return ['fields', 'except.fields'].flatMap((path) => {
    const clause = partAt(rule, path)
    if (clause === undefined) return []
    const parts: readonly Json[] = Array.isArray(clause) ? clause : [clause]
    const put = (now: readonly Json[]) => withPart(rule, path, now)
    return [
      ...wider(rule, path, parts, words.catalogue).map((field): Change => ({
        operator: 'widen the fields',
        what: `${path} + ${field}`,
        rule: put([...parts, field]),
      })),
      ...narrower(rule, path, parts, words.catalogue).map(({ now, what }): Change => ({
        operator: 'narrow the fields',
        what,
        rule: put(now),
      })),
      ...parts.flatMap((part, at) =>
        isObject(part)
          ? ofAttributes(rule, `${path}.${at}`, part, words).map((change) => ({
              ...change,
              rule: put(parts.with(at, change.rule)),
            }))
          : [],
      ),
    ]
  })
}

/** Fields of the same records that are not named: one whose leak would do most harm, and one by lot. */
function wider(
  rule: JsonObject,
  path: string,
  parts: readonly Json[],
  catalogue: Catalogue,
): readonly string[] {
  const named = fieldsEver(resolveFields(parts as unknown as FieldClause, catalogue))
  const records = new Set(
    parts.flatMap((part) =>
      typeof part === 'string' ? selectFields(catalogue, part).map(({ record }) => record) : [],
    ),
  )
  const siblings = catalogue.fields.filter(
    ({ index, record }) => records.has(record) && !named.has(index),
  )
  const worst = siblings.toSorted((a, b) => harm(b) - harm(a))[0]
  const drawn = picked(siblings, `${String(rule['id'])} ${path} +`)
  return [...new Set([worst, drawn].flatMap((field) => (field ? [field.id] : [])))]
}

function harm({ categories, locates, text }: FieldDefinition): number {
  const locating = locates.includes('victim') || locates.includes('child') ? 8 : 0
  const special = categories.includes('S9') ? 4 : 0
  return locating + special + (categories.includes('C10') ? 2 : 0) + (text ? 1 : 0)
}

/** Without one selector, and with one field less of another. */
function narrower(
  rule: JsonObject,
  path: string,
  parts: readonly Json[],
  catalogue: Catalogue,
): readonly { readonly now: readonly Json[]; readonly what: string }[] {
  const lot = `${String(rule['id'])} ${path} -`
  const selectors = parts.filter((part) => typeof part === 'string')
  const gone = parts.length > 1 ? picked(selectors, lot) : undefined
  const several = selectors.filter((one) => selectFields(catalogue, one).length > 1)
  const split = picked(several, lot)
  const fields = split === undefined ? [] : selectFields(catalogue, split).map(({ id }) => id)
  const missing = picked(fields, lot)
  return [
    ...(gone === undefined
      ? []
      : [{ what: `${path} - ${gone}`, now: parts.filter((part) => part !== gone) }]),
    ...(missing === undefined
      ? []
      : [
          {
            what: `${path} - ${missing}`,
            now: [
              ...parts.filter((part) => part !== split),
              ...fields.filter((field) => field !== missing),
            ],
          },
        ]),
  ]
}

const ATTRIBUTES: Readonly<Record<string, WordList>> = {
  category: 'category',
  locates: 'party',
  record: 'record',
  informant: 'informant',
  statement: 'kind',
}

const DANGEROUS: Readonly<Record<string, readonly string[]>> = {
  category: ['L', 'S9', 'C10'],
  locates: ['victim', 'child'],
  record: ['contact_location', 'safety_plan'],
}

/** An attribute object with one key less, or one word more or less, or the parties changed about. */
function ofAttributes(
  rule: JsonObject,
  path: string,
  part: JsonObject,
  { vocabulary }: Words,
): readonly (Change & { readonly rule: JsonObject })[] {
  const keys = Object.keys(part)
  return keys.flatMap((key) => {
    const list = ATTRIBUTES[key]
    const words = wordsAt(part, key)
    if (!list || !words) return []
    const at = `${path}.${key}`
    const put = (now: readonly Json[] | undefined) => withPart(part, key, now)
    const more = moreWords(rule, at, words, vocabulary[list], DANGEROUS[key])
    return [
      ...(keys.length > 1
        ? [{ operator: 'drop a condition' as const, what: at, rule: put(undefined) }]
        : []),
      ...more.map((word) => ({
        operator: 'widen a set' as const,
        what: `${at} + ${word}`,
        rule: put([...words, word]),
      })),
      ...fewerWords(rule, at, words).map((word) => ({
        operator: 'narrow a set' as const,
        what: `${at} - ${word}`,
        rule: put(words.filter((one) => one !== word)),
      })),
      ...swapped(words, list).map(({ now, what }) => ({
        operator: 'swap a party' as const,
        what: `${at}: ${what}`,
        rule: put(now),
      })),
    ]
  })
}
