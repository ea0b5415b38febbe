import type { RuleSet } from './bits.ts'
import type { ValueView } from './conditions.ts'
import type { ScopeClause } from './explanation.ts'
import type { RequestContext } from './request-context.ts'
import { accepting, acceptingAny, type RuleTable } from './rule-table.ts'
import { transferOf } from './transfer.ts'

/** One clause of the rules' scope, asked about one value. */
export interface ClauseCheck {
  readonly clause: ScopeClause
  /** Whether the rule at this position of its list accepts the value in this clause. */
  readonly accepts: (position: number) => boolean
}

/**
 * Every clause that decisions narrow the rules of a table by, one at a time. All of them together
 * accept the very rules that `permitsFor` and `forbidsFor` find.
 *
 * @throws UnknownWordError as those do
 */
export function scopeClauses(
  table: RuleTable,
  { facts, program }: RequestContext,
  { value }: ValueView,
  cell: number,
): readonly ClauseCheck[] {
  const { request, recipient, subject } = facts
  const { source } = value
  const words = table.purpose.indifferent.length
  const sets: readonly (readonly [ScopeClause, RuleSet])[] = [
    ['purpose', accepting(table.purpose, request.purpose)],
    ['to.role', accepting(table.role, recipient.role)],
    ['to.sector', accepting(table.sector, recipient.sector)],
    ['to.actsFor', acceptingAny(table.actsFor, recipient.actsFor)],
    ['to.country', accepting(table.country, recipient.country)],
    ['to.public', table.public[recipient.public ? 1 : 0]],
    ['to.competentAuthority', table.competentAuthority[recipient.competentAuthority ? 1 : 0]],
    [
      'to.nationalAuthorisation',
      table.nationalAuthorisation[recipient.nationalAuthorisation ? 1 : 0],
    ],
    ['subject', acceptingAny(table.subjectRole, subject.roles)],
    ['party', acceptingAny(table.party, subject.parties)],
    ['from.sector', accepting(table.fromSector, source.sector)],
    ['from.actsFor', acceptingAny(table.fromActsFor, source.actsFor)],
    ['from.public', table.fromPublic[source.public ? 1 : 0]],
    ['from.competentAuthority', table.fromCompetentAuthority[source.competentAuthority ? 1 : 0]],
    ['transfer', accepting(table.transfer, transferOf(source, recipient))],
    ['fields', [...table.cells.subarray(cell * words, (cell + 1) * words)]],
    ...(table === program.forbidTable
      ? ([
          ['informantParty', acceptingAny(table.informantParty, value.informantParties)],
          ['restricted', table.restricted[value.restricted ? 1 : 0]],
        ] as const)
      : []),
  ]
  return sets.map(([clause, set]) => ({ clause, accepts: (position) => isIn(set, position) }))
}

const isIn = (set: RuleSet, position: number): boolean =>
  (((set[position >> 5] ?? 0) >>> (position & 31)) & 1) === 1
