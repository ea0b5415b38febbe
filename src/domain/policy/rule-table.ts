import type { Catalogue } from '../catalogue/types.ts'
import { addAll, addTo, emptySet, type RuleSet } from './bits.ts'
import type { RuleScope } from './program.ts'
import type { Selection } from './selection.ts'
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
  readonly fromCompetentAuthority: AnswerRows
  readonly transfer: WordRows
  readonly informantParty: WordRows
  readonly restricted: AnswerRows
  readonly cells: CellTable
}

/**
 * One rule set per (field, parties that the record is about, informant, kind of statement): the part
 * of a rule that its field clause speaks of. The parties count only for fields that locate "their
 * subject", so that most fields have one row and those have eight.
 */
export interface CellTable {
  readonly sets: Uint32Array
  /** First row of each field, by catalogue index. */
  readonly rowOf: Uint32Array
  /** 1 where the row also depends on the parties. */
  readonly dependsOnParties: Uint8Array
  readonly informant: ReadonlyMap<string, number>
  readonly kind: ReadonlyMap<string, number>
  /** Bit of each party in the row offset of a dependent field. */
  readonly partyBit: ReadonlyMap<string, number>
  readonly words: number
}

/** Builds the table of a list of rules. */
export function buildTable(
  rules: readonly RuleScope[],
  catalogue: Catalogue,
  words: PolicyVocabulary,
): RuleTable {
  const wordRows = (
    known: readonly string[],
    of: (rule: RuleScope) => readonly string[] | undefined,
  ) => buildWordRows(rules, known, of, false)
  const answerRows = (of: (rule: RuleScope) => boolean | undefined) => buildAnswerRows(rules, of)
  return Object.freeze({
    size: rules.length,
    purpose: wordRows(words.purpose, (rule) => rule.purpose),
    sector: wordRows(words.sector, (rule) => rule.to.sector),
    role: wordRows(words.role, (rule) => rule.to.role),
    actsFor: wordRows(words.actsFor, (rule) => rule.to.actsFor),
    country: buildWordRows(
      rules,
      rules.flatMap((rule) => rule.to.country ?? []),
      (rule) => rule.to.country,
      true,
    ),
    public: answerRows((rule) => rule.to.public),
    competentAuthority: answerRows((rule) => rule.to.competentAuthority),
    nationalAuthorisation: answerRows((rule) => rule.to.nationalAuthorisation),
    subjectRole: wordRows(words.personRole, (rule) => rule.subject),
    party: wordRows(words.party, (rule) => rule.party),
    fromSector: wordRows(words.sector, (rule) => rule.from.sector),
    fromActsFor: wordRows(words.actsFor, (rule) => rule.from.actsFor),
    fromCompetentAuthority: answerRows((rule) => rule.from.competentAuthority),
    transfer: wordRows(['own', 'internal', 'external'], (rule) => rule.transfer),
    informantParty: wordRows(words.party, (rule) => rule.informantParty),
    restricted: answerRows((rule) => rule.restricted),
    cells: buildCells(rules, catalogue, words),
  })
}

function buildWordRows(
  rules: readonly RuleScope[],
  known: readonly string[],
  of: (rule: RuleScope) => readonly string[] | undefined,
  open: boolean,
): WordRows {
  const indifferent = emptySet(rules.length)
  rules.forEach((rule, i) => of(rule) ?? addTo(indifferent, i))
  const rows = new Map(known.map((word) => [word, indifferent.slice()]))
  rules.forEach((rule, i) => {
    for (const word of of(rule) ?? []) addTo(rows.get(word) ?? unknownWord(word), i)
  })
  return { rows, indifferent, open }
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

function buildCells(
  rules: readonly RuleScope[],
  catalogue: Catalogue,
  words: PolicyVocabulary,
): CellTable {
  const rowOf = new Uint32Array(catalogue.fields.length)
  const dependsOnParties = new Uint8Array(catalogue.fields.length)
  const variants = 1 << words.party.length
  let rows = 0
  for (const field of catalogue.fields) {
    const depends = field.locates.includes('subject')
    rowOf[field.index] = rows
    dependsOnParties[field.index] = depends ? 1 : 0
    rows += depends ? variants : 1
  }
  const size = emptySet(rules.length).length
  const cells: CellTable = {
    sets: new Uint32Array(rows * words.informant.length * words.kind.length * size),
    rowOf,
    dependsOnParties,
    informant: new Map(words.informant.map((word, i) => [word, i])),
    kind: new Map(words.kind.map((word, i) => [word, i])),
    partyBit: new Map(words.party.map((word, i) => [word, 1 << i])),
    words: size,
  }
  rules.forEach((rule, i) => {
    for (const selection of rule.selections) fillCells(cells, rule, i, selection, variants)
  })
  return cells
}

/** Enters one rule into every cell that one of its boxes covers. */
function fillCells(
  cells: CellTable,
  rule: RuleScope,
  number: number,
  selection: Selection,
  variants: number,
): void {
  const accepts = (words: readonly string[] | undefined, word: string) =>
    words?.includes(word) ?? true
  const informants = [...cells.informant].filter(
    ([word]) => accepts(selection.informant, word) && accepts(rule.informant, word),
  )
  const kinds = [...cells.kind].filter(([word]) => accepts(selection.statement, word))
  for (const field of selection.fields) {
    const count = cells.dependsOnParties[field] === 1 ? variants : 1
    for (let parties = 0; parties < count; parties++) {
      if (selection.about && !sharesParty(selection.about, parties, cells)) continue
      const row = (cells.rowOf[field] ?? 0) + parties
      for (const [, informant] of informants) {
        for (const [, kind] of kinds) {
          const offset = cellOffset(cells, row, informant, kind)
          addTo(cells.sets.subarray(offset, offset + cells.words), number)
        }
      }
    }
  }
}

function sharesParty(about: readonly string[], parties: number, cells: CellTable): boolean {
  return about.some((party) => (parties & (cells.partyBit.get(party) ?? 0)) !== 0)
}

/** Where in `sets` the rule set of a cell starts. */
export function cellOffset(cells: CellTable, row: number, informant: number, kind: number): number {
  return ((row * cells.informant.size + informant) * cells.kind.size + kind) * cells.words
}

/** Rules that accept one of several words; with none given, those that do not ask. */
export function acceptingAny(table: WordRows, words: readonly string[]): RuleSet {
  const set = table.indifferent.slice()
  for (const word of words) addAll(set, accepting(table, word))
  return set
}

/** A word in the facts that the vocabulary does not have; the value at hand is then withheld. */
export class UnknownWordError extends Error {
  constructor() {
    super('a word in the facts is not in the vocabulary')
    this.name = 'UnknownWordError'
  }
}

/**
 * Rules that accept a word.
 *
 * @throws UnknownWordError when the word is not in the vocabulary
 */
export function accepting(table: WordRows, word: string): RuleSet {
  const row = table.rows.get(word)
  if (row) return row
  if (table.open) return table.indifferent
  throw new UnknownWordError()
}
