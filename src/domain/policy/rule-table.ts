import { addAll, addTo, emptySet, type RuleSet } from './bits.ts'
import { type CellIndex, forEachCell, UnknownWordError } from './cell-index.ts'
import type { RuleScope } from './program.ts'
import type { PolicyVocabulary } from './vocabulary.ts'

/** For one attribute: which rules accept each word. Rules that do not name it accept every word. */
export interface WordRows {
  readonly rows: ReadonlyMap<string, RuleSet>
  /** Rules that do not name the attribute. */
  readonly indifferent: RuleSet
  /** Words outside `rows` are no mistake but simply named by no rule. */
  readonly open: boolean
}

/** For a yes-or-no attribute: which rules accept no, and which yes. */
export type AnswerRows = readonly [no: RuleSet, yes: RuleSet]

/**
 * Which rules accept what, turned so that a decision is a handful of set intersections. The rule
 * numbers are positions in the program's list.
 */
export interface RuleTable {
  readonly size: number
  readonly purpose: WordRows
  readonly sector: WordRows
  readonly role: WordRows
  readonly actsFor: WordRows
  readonly country: WordRows
  readonly public: AnswerRows
  readonly competentAuthority: AnswerRows
  readonly nationalAuthorisation: AnswerRows
  readonly subjectRole: WordRows
  readonly party: WordRows
  readonly fromSector: WordRows
  readonly fromActsFor: WordRows
  readonly fromPublic: AnswerRows
  readonly fromCompetentAuthority: AnswerRows
  readonly transfer: WordRows
  readonly informantParty: WordRows
  readonly restricted: AnswerRows
  /** One rule set per cell of the index, one after the other. */
  readonly cells: Int32Array
}

/** Builds the table of a list of rules. */
export function buildTable(
  rules: readonly RuleScope[],
  index: CellIndex,
  words: PolicyVocabulary,
): RuleTable {
  const wordRows = (
    known: readonly string[],
    of: (rule: RuleScope) => readonly string[] | undefined,
  ) => buildWordRows(rules, known, of)
  const answerRows = (of: (rule: RuleScope) => boolean | undefined) => buildAnswerRows(rules, of)
  return Object.freeze({
    size: rules.length,
    purpose: wordRows(words.purpose, (rule) => rule.purpose),
    sector: wordRows(words.sector, (rule) => rule.to.sector),
    role: wordRows(words.role, (rule) => rule.to.role),
    actsFor: wordRows(words.actsFor, (rule) => rule.to.actsFor),
    country: buildCountryRows(rules),
    public: answerRows((rule) => rule.to.public),
    competentAuthority: answerRows((rule) => rule.to.competentAuthority),
    nationalAuthorisation: answerRows((rule) => rule.to.nationalAuthorisation),
    subjectRole: wordRows(words.personRole, (rule) => rule.subject),
    party: wordRows(words.party, (rule) => rule.party),
    fromSector: wordRows(words.sector, (rule) => rule.from.sector),
    fromActsFor: wordRows(words.actsFor, (rule) => rule.from.actsFor),
    fromPublic: answerRows((rule) => rule.from.public),
    fromCompetentAuthority: answerRows((rule) => rule.from.competentAuthority),
    transfer: wordRows(['own', 'internal', 'external'], (rule) => rule.transfer),
    informantParty: wordRows(words.party, (rule) => rule.informantParty),
    restricted: answerRows((rule) => rule.restricted),
    cells: buildCells(rules, index),
  })
}

function buildWordRows(
  rules: readonly RuleScope[],
  known: readonly string[],
  of: (rule: RuleScope) => readonly string[] | undefined,
): WordRows {
  const indifferent = emptySet(rules.length)
  rules.forEach((rule, i) => of(rule) ?? addTo(indifferent, i))
  const rows = new Map(known.map((word) => [word, indifferent.slice()]))
  rules.forEach((rule, i) => {
    for (const word of of(rule) ?? []) addTo(rows.get(word) ?? unknownWord(word), i)
  })
  return { rows, indifferent, open: false }
}

/** Countries have no list of their own: whichever no rule names is accepted where none is asked for. */
function buildCountryRows(rules: readonly RuleScope[]): WordRows {
  const named = rules.flatMap(({ to }) => [...(to.country ?? []), ...(to.notCountry ?? [])])
  const indifferent = emptySet(rules.length)
  const rows = new Map(named.map((word) => [word, emptySet(rules.length)]))
  rules.forEach(({ to }, i) => {
    if (!to.country) addTo(indifferent, i)
    for (const [word, row] of rows) {
      if (to.country && !to.country.includes(word)) continue
      if (!to.notCountry?.includes(word)) addTo(row, i)
    }
  })
  return { rows, indifferent, open: true }
}

function unknownWord(word: string): never {
  throw new Error(`unchecked rules: \`${word}\` is not in the vocabulary`)
}

function buildAnswerRows(
  rules: readonly RuleScope[],
  of: (rule: RuleScope) => boolean | undefined,
): AnswerRows {
  const rows: AnswerRows = [emptySet(rules.length), emptySet(rules.length)]
  rules.forEach((rule, i) => {
    if (of(rule) !== true) addTo(rows[0], i)
    if (of(rule) !== false) addTo(rows[1], i)
  })
  return rows
}

function buildCells(rules: readonly RuleScope[], index: CellIndex): Int32Array {
  const words = emptySet(rules.length).length
  const cells = new Int32Array(index.size * words)
  rules.forEach((rule, number) => {
    for (const selection of rule.selections) {
      forEachCell(index, rule, selection, (cell) => {
        const word = cell * words + (number >> 5)
        cells[word] = (cells[word] ?? 0) | (1 << (number & 31))
      })
    }
  })
  return cells
}

/** Rules that accept one of several words; with none given, those that do not ask. Not to be written to. */
export function acceptingAny(table: WordRows, words: readonly string[]): RuleSet {
  if (words.length === 0) return table.indifferent
  if (words.length === 1) return accepting(table, words[0] as string)
  const set = table.indifferent.slice()
  for (const word of words) addAll(set, accepting(table, word))
  return set
}

/**
 * Rules that accept a word. Not to be written to.
 *
 * @throws UnknownWordError when the word is not in the vocabulary
 */
export function accepting(table: WordRows, word: string): RuleSet {
  const row = table.rows.get(word)
  if (row) return row
  if (table.open) return table.indifferent
  throw new UnknownWordError()
}
