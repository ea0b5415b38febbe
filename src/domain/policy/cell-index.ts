import type { Catalogue } from '../catalogue/types.ts'
import type { ValueFacts } from './facts.ts'
import type { RuleScope } from './program.ts'
import type { Selection } from './selection.ts'
import type { PolicyVocabulary } from './vocabulary.ts'

/**
 * Numbers every combination of field, parties that the record is about, informant and kind of
 * statement: the part of a rule that its field clause speaks of. The parties count only for fields
 * that locate "their subject", so that most fields have one row and those have eight.
 */
export interface CellIndex {
  /** How many cells there are. */
  readonly size: number
  /** First row of each field, by catalogue index. */
  readonly rowOf: Uint32Array
  /** 1 where the row also depends on the parties. */
  readonly dependsOnParties: Uint8Array
  /** Rows of a field that does: one per set of parties. */
  readonly variants: number
  /** Cells of a row: one for each kind of statement by each informant. */
  readonly perRow: number
  /** In the order of their cells; so few words that looking through them is quicker than a map. */
  readonly informants: readonly string[]
  readonly kinds: readonly string[]
  /** Party n has bit n in the row. */
  readonly parties: readonly string[]
}

/** A word in the facts that the vocabulary does not have; the value at hand is then withheld. */
export class UnknownWordError extends Error {
  constructor() {
    super('a word in the facts is not in the vocabulary')
    this.name = 'UnknownWordError'
  }
}

/** Numbers the cells of a catalogue under a vocabulary. */
export function buildCellIndex(catalogue: Catalogue, words: PolicyVocabulary): CellIndex {
  const rowOf = new Uint32Array(catalogue.fields.length)
  const dependsOnParties = new Uint8Array(catalogue.fields.length)
  const variants = 1 << words.party.length
  let rows = 0
  for (const { index, locates } of catalogue.fields) {
    const depends = locates.includes('subject')
    rowOf[index] = rows
    dependsOnParties[index] = depends ? 1 : 0
    rows += depends ? variants : 1
  }
  const perRow = words.informant.length * words.kind.length
  return Object.freeze({
    size: rows * perRow,
    perRow,
    rowOf,
    dependsOnParties,
    variants,
    informants: [...words.informant],
    kinds: [...words.kind],
    parties: [...words.party],
  })
}

/**
 * The cell that a value falls into.
 *
 * @throws UnknownWordError when informant, kind or a party is not in the vocabulary
 */
export function cellOf(index: CellIndex, value: ValueFacts): number {
  const { index: field } = value.field
  const informant = placeOf(value.informant, index.informants)
  const kind = placeOf(value.kind, index.kinds)
  const first = index.rowOf[field]
  if (informant < 0 || kind < 0 || first === undefined) throw new UnknownWordError()
  const depends = index.dependsOnParties[field] === 1
  const row = depends ? first + partiesOf(index, value) : first
  return row * index.perRow + informant * index.kinds.length + kind
}

function partiesOf(index: CellIndex, value: ValueFacts): number {
  let parties = 0
  const { subjectParties } = value
  for (let i = 0; i < subjectParties.length; i++) {
    const bit = placeOf(subjectParties[i] as string, index.parties)
    if (bit < 0) throw new UnknownWordError()
    parties |= 1 << bit
  }
  return parties
}

/** As `indexOf`, but quicker for few words. */
function placeOf(word: string, words: readonly string[]): number {
  for (let i = 0; i < words.length; i++) if (words[i] === word) return i
  return -1
}

/** Calls `visit` for every cell that one box of a rule covers. */
export function forEachCell(
  index: CellIndex,
  rule: RuleScope,
  box: Selection,
  visit: (cell: number) => void,
): void {
  const told: number[] = []
  index.informants.forEach((word, informant) => {
    if (!accepts(box.informant, word) || !accepts(rule.informant, word)) return
    index.kinds.forEach((kindWord, kind) => {
      if (accepts(box.statement, kindWord)) told.push(informant * index.kinds.length + kind)
    })
  })
  for (const field of box.fields) {
    const count = index.dependsOnParties[field] === 1 ? index.variants : 1
    for (let parties = 0; parties < count; parties++) {
      if (box.about && !sharesParty(index, box.about, parties)) continue
      const start = ((index.rowOf[field] ?? 0) + parties) * index.perRow
      for (const offset of told) visit(start + offset)
    }
  }
}

function accepts(words: readonly string[] | undefined, word: string): boolean {
  return words?.includes(word) ?? true
}

function sharesParty(index: CellIndex, about: readonly string[], parties: number): boolean {
  return index.parties.some((party, bit) => (parties >>> bit) & 1 && about.includes(party))
}
