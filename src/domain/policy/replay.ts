/**
 * What another policy would have made of past decisions, counted: by who asked, for what, for which
 * field, from which outcome to which. No value, no person, no agency, no case is in it.
 */
import type { Catalogue } from '../catalogue/types.ts'
import type { Facts } from './facts.ts'
import type { Verdict } from './verdict.ts'

/** Outcomes told apart; `silent`: withheld so that the requester does not notice. */
export type ReplayedOutcome = 'released' | 'generalised' | 'review' | 'withheld' | 'silent'

/** Values of decisions that differ in the same way. */
export interface ReplayGroup {
  readonly sector: string
  readonly role: string
  readonly purpose: string
  readonly field: string
  readonly before: ReplayedOutcome
  readonly after: ReplayedOutcome
  readonly count: number
}

export interface ReplayReport {
  /** Decisions that were decided anew. */
  readonly decisions: number
  /** Of them, those of which something changes. */
  readonly changed: number
  /** Decisions that could not be tried, by cause. */
  readonly untried: Readonly<Record<UntriedCause, number>>
  /** Values: left, and would stay now. */
  readonly refusals: number
  /** Values: stayed, and would leave now. */
  readonly releases: number
  /** Distinct fields that would newly leave, by the sector of the recipient; every sector that asked is named. */
  readonly newFields: Readonly<Record<string, number>>
  /** Most frequent first; unchanged values are in none. */
  readonly groups: readonly ReplayGroup[]
  /** Values that changed beyond the groups that are kept apart. */
  readonly ungrouped: number
}

/** Why a decision could not be tried: see `FactsState`. */
export type UntriedCause = 'erased' | 'not_recorded' | 'policy_unknown' | 'unreadable'

/** Counts one decision after the other, in memory that does not grow with their number. */
export interface ReplayCount {
  add(facts: Facts, before: readonly Verdict[], after: readonly Verdict[]): void
  skip(cause: UntriedCause): void
  report(): ReplayReport
}

/** Groups that are kept apart. */
const MOST_GROUPS = 5_000

/** A count with nothing in it. */
export function startReplay(): ReplayCount {
  const groups = new Map<string, Omit<ReplayGroup, 'count'> & { count: number }>()
  const untried = { erased: 0, not_recorded: 0, policy_unknown: 0, unreadable: 0 }
  const newFields = new Map<string, Set<string>>()
  const total = { decisions: 0, changed: 0, refusals: 0, releases: 0, ungrouped: 0 }

  function count(facts: Facts, field: string, before: ReplayedOutcome, after: ReplayedOutcome) {
    const { sector, role } = facts.recipient
    const { purpose } = facts.request
    if (leaves(before) && !leaves(after)) total.refusals += 1
    if (!leaves(before) && leaves(after)) {
      total.releases += 1
      newFields.get(sector)?.add(field)
    }
    const key = [sector, role, purpose, field, before, after].join('|')
    const group = groups.get(key)
    if (group) group.count += 1
    else if (groups.size >= MOST_GROUPS) total.ungrouped += 1
    else groups.set(key, { sector, role, purpose, field, before, after, count: 1 })
  }

  return {
    add(facts, before, after) {
      const { sector } = facts.recipient
      if (!newFields.has(sector)) newFields.set(sector, new Set())
      const changes = changesOf(before, after)
      for (const change of changes) count(facts, change.field, change.before, change.after)
      total.decisions += 1
      if (changes.length > 0) total.changed += 1
    },
    skip(cause) {
      untried[cause] += 1
    },
    report: () => ({
      ...total,
      untried: { ...untried },
      newFields: Object.fromEntries(
        [...newFields].map(([sector, fields]) => [sector, fields.size]).sort(),
      ) as Record<string, number>,
      groups: [...groups.values()]
        .map((group) => ({ ...group }))
        .sort((a, b) => b.count - a.count || (nameOf(a) < nameOf(b) ? -1 : 1)),
    }),
  }
}

const nameOf = ({ sector, role, purpose, field }: ReplayGroup): string =>
  [sector, role, purpose, field].join('|')

/** Both lists are over the same values in the same order: the verdict on one depends on no other. */
function changesOf(before: readonly Verdict[], after: readonly Verdict[]) {
  return before.flatMap((verdict, i) => {
    const other = after[i]
    if (!other) throw new Error('the same values were decided')
    const [was, is] = [outcomeOf(verdict), outcomeOf(other)]
    return was === is ? [] : [{ field: verdict.field.id, before: was, after: is }]
  })
}

function outcomeOf({ outcome, silent }: Verdict): ReplayedOutcome {
  return silent ? 'silent' : outcome
}

const leaves = (outcome: ReplayedOutcome): boolean =>
  outcome === 'released' || outcome === 'generalised'

/**
 * Facts recorded under one catalogue, for a program of another one: fields by their id. A field that is
 * no more stays what it was, and is withheld by such a program.
 */
export function underCatalogue(facts: Facts, then: Catalogue, now: Catalogue): Facts {
  if (then === now) return facts
  const fieldOf = <Value extends Facts['request']['fields'][number]>(field: Value) =>
    now.fieldsById[field.id] ?? field
  return {
    ...facts,
    request: { ...facts.request, fields: facts.request.fields.map(fieldOf) },
    values: facts.values.map((value) =>
      // What could not be read is not enumerable, and has to stay.
      Object.defineProperties(
        {},
        {
          ...Object.getOwnPropertyDescriptors(value),
          field: { enumerable: true, value: fieldOf(value.field) },
        },
      ),
    ) as unknown as Facts['values'],
  }
}

/** The report in a sentence: “812 decisions, 41 more refusals, 3 new fields to police, 0 to …”. */
export function replaySentence(report: ReplayReport): string {
  const { decisions, refusals, releases, newFields, untried } = report
  const [first, ...others] = Object.entries(newFields)
  const fields = first
    ? [`${first[1]} new fields to ${first[0]}`, ...others.map(([sector, n]) => `${n} to ${sector}`)]
    : []
  const gone = Object.values(untried).reduce((sum, n) => sum + n, 0)
  return [
    `${decisions} decisions`,
    `${refusals} more refusals`,
    `${releases} more releases`,
    ...fields,
    ...(gone > 0 ? [`${gone} not tried (${untried.erased} erased)`] : []),
  ].join(', ')
}
