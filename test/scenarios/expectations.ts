/** Holds what a step brought about to what its scenario expects; every function tells faults in words. */
import { selectFields } from '../../src/domain/catalogue/select.ts'
import type { Catalogue } from '../../src/domain/catalogue/types.ts'
import type { Answer } from '../support/agency-client.ts'
import { misfits, misfitsInAnyOrder } from './fits.ts'
import {
  type EntriesExpectation,
  type EntryExpectation,
  type Expectation,
  listOf,
} from './scenario.ts'
import { agencyOf, earlier, nameOfAgency, personOf, type PlacedCase, type Stage } from './stage.ts'

/** One entry of an answer, as far as expectations look at it. */
export interface Entry {
  readonly field: string
  readonly outcome: string
  readonly tests: Readonly<Record<string, 'pass' | 'fail'>>
  readonly rules?: readonly string[]
  readonly reasons?: readonly { readonly code: string }[]
  readonly remedies?: readonly string[]
  readonly obligations?: readonly string[]
  readonly contested?: boolean
  readonly provenance?: { readonly agencyId: string }
  readonly value?: unknown
}

/** An event of the audit log, as far as expectations look at it. */
export interface AuditEvent {
  readonly type: string
  readonly agency: string | null
  readonly public: unknown
  readonly private: unknown
}

/** What a step brought about. */
export interface Outcome {
  readonly answer: Answer
  /** Status that the verb has when it succeeds. */
  readonly success: number
  readonly audit: readonly AuditEvent[]
}

/** Where the step happened. */
export interface Place {
  readonly stage: Stage
  readonly placed: PlacedCase
  readonly catalogue: Catalogue
}

/** All faults of one step. */
export function faultsOf(place: Place, outcome: Outcome, expected: Expectation): string[] {
  const { answer, success, audit } = outcome
  const { body } = answer
  const status = expected.status ?? success
  if (answer.status !== status)
    return [`status ${answer.status} instead of ${status}: ${answer.text.slice(0, 400)}`]
  const refer = references(place)
  return [
    ...(expected.code === undefined ? [] : misfits(body?.code, expected.code, 'code')),
    ...(expected.outcome === undefined ? [] : misfits(body?.outcome, expected.outcome, 'outcome')),
    ...(expected.entries === undefined
      ? []
      : entryFaults(place, body?.fields, refer(expected.entries))),
    ...(expected.body === undefined ? [] : misfits(body, refer(expected.body))),
    ...(expected.items === undefined
      ? []
      : misfitsInAnyOrder(ownItems(place, body?.items), expected.items.map(refer))),
    ...(expected.persons === undefined ? [] : personFaults(place, body?.persons, expected.persons)),
    ...(expected.members === undefined ? [] : memberFaults(place, body?.members, expected.members)),
    ...(expected.audit === undefined
      ? []
      : misfitsInAnyOrder(audit, expected.audit.map(refer)).map((fault) => `audit, ${fault}`)),
    ...(expected.sameAs === undefined ? [] : differences(place, answer, expected.sameAs)),
  ]
}

/** The most telling selector that names an entry decides about it. */
function entryFaults(
  place: Place,
  entries: readonly Entry[],
  expected: NonNullable<Expectation['entries']>,
): string[] {
  const wanted = expected === 'none' ? [] : Object.entries(expected)
  const selected = wanted
    .map(([selector, one]) => {
      const fields = selectFields(place.catalogue, selector).map(({ id }) => id)
      return { selector, one, fields }
    })
    .sort((a, b) => a.fields.length - b.fields.length)
  const assigned = Map.groupBy(entries, ({ field }) =>
    selected.find(({ fields }) => fields.includes(field)),
  )
  const unnamed = (assigned.get(undefined) ?? []).map((entry) => `not expected: ${tell(entry)}`)
  return [
    ...unnamed,
    ...selected.flatMap((selection) =>
      selectedFaults(place, selection.one, assigned.get(selection) ?? []).map(
        (fault) => `${selection.selector}: ${fault}`,
      ),
    ),
  ]
}

function selectedFaults(
  place: Place,
  expected: EntriesExpectation,
  entries: readonly Entry[],
): string[] {
  if (expected === 'absent') return entries.map((entry) => `shows: ${tell(entry)}`)
  if (isList(expected))
    return misfitsInAnyOrder(
      entries.map(flat(place)),
      expected.map((one) => pattern(one)),
    )
  if (entries.length === 0) return ['has no entry']
  const wanted = pattern(typeof expected === 'string' ? { outcome: expected } : expected)
  return entries.flatMap((entry) => misfits(flat(place)(entry), wanted, entry.field))
}

const isList = (one: EntriesExpectation): one is readonly EntryExpectation[] => Array.isArray(one)

/** An entry in the words of scenarios. */
const flat =
  ({ stage }: Place) =>
  (entry: Entry): Record<string, unknown> => ({
    ...entry.provenance,
    ...entry,
    from: entry.provenance && nameOfAgency(stage, entry.provenance.agencyId),
    fails: Object.keys(entry.tests)
      .filter((test) => entry.tests[test] === 'fail')
      .sort(),
    reasons: (entry.reasons ?? []).map(({ code }) => code).sort(),
    rules: [...(entry.rules ?? [])].sort(),
    contested: entry.contested ?? false,
    ...Object.fromEntries((entry.obligations ?? []).map((one) => [`obligation ${one}`, true])),
  })

function pattern(expected: EntryExpectation): Record<string, unknown> {
  const { fails, reasons, rules, obligations, ...rest } = expected
  return {
    ...rest,
    ...(fails === undefined ? {} : { fails: [...listOf(fails)].sort() }),
    ...(reasons === undefined ? {} : { reasons: [...listOf(reasons)].sort() }),
    ...(rules === undefined ? {} : { rules: [...listOf(rules)].sort() }),
    ...Object.fromEntries(listOf(obligations).map((one) => [`obligation ${one}`, true])),
  }
}

const tell = ({ field, outcome, reasons }: Entry): string =>
  [field, outcome, ...(reasons ?? []).map(({ code }) => code)].join(' ')

/** Items of a list that are this scenario's. */
function ownItems({ stage, placed }: Place, items: readonly unknown[]): readonly unknown[] {
  return items.filter((item) => {
    const { id, caseId, refs } = item as {
      id: string
      caseId?: string
      refs?: { caseId?: string }
    }
    if (stage.olderNotices.has(id)) return false
    const about = caseId ?? refs?.caseId
    return about === undefined || about === placed.caseId
  })
}

function personFaults(
  { placed }: Place,
  actual: readonly { id: string }[],
  expected: NonNullable<Expectation['persons']>,
): string[] {
  const ids = actual.map(({ id }) => id)
  return misfitsInAnyOrder(
    ids,
    expected.map((name) => personOf(placed, name)),
  ).map((fault) => `persons, ${fault}`)
}

function memberFaults(
  { stage }: Place,
  actual: readonly { agencyId: string }[],
  expected: readonly string[],
): string[] {
  const names = actual.map(({ agencyId }) => nameOfAgency(stage, agencyId))
  return misfitsInAnyOrder(names, expected).map((fault) => `members, ${fault}`)
}

/** Replaces `$name` by an id: of the case, a person, an agency, or what an earlier step made. */
function references({ stage, placed }: Place): <Value>(value: Value) => Value {
  const idOf = (name: string): string => {
    if (name === 'case') return placed.caseId
    if (placed.persons.has(name)) return personOf(placed, name)
    if (stage.remembered.has(name)) return earlier(stage, name).answer.body.id
    return agencyOf(stage.agencies, name).id
  }
  const replace = (value: unknown): unknown => {
    if (typeof value === 'string') return value.startsWith('$') ? idOf(value.slice(1)) : value
    if (Array.isArray(value)) return value.map(replace)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, replace(one)]))
  }
  return <Value>(value: Value) => replace(value) as Value
}

const ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g
const UNEQUAL_HEADERS = ['date', 'request-id', 'etag', 'content-length', 'keep-alive', 'connection']

/** Ids by the order in which they come up, digests by a mark, everything else as it is. */
function withoutIds(text: string): string {
  const seen = new Map<string, string>()
  return text
    .replace(ID, (id) => {
      const known = seen.get(id) ?? `id-${seen.size}`
      seen.set(id, known)
      return known
    })
    .replace(/"leafHash":"[\w-]{43}"/g, '"leafHash":"…"')
}

function differences({ stage }: Place, answer: Answer, name: string): string[] {
  const { answer: other } = earlier(stage, name)
  const headers = ({ headers: all }: Answer) =>
    [...all].filter(([header]) => !UNEQUAL_HEADERS.includes(header)).join('\n')
  const told = (what: string, a: unknown, b: unknown) =>
    a === b ? [] : [`${what} differs from that of "${name}": ${String(a)} / ${String(b)}`]
  return [
    ...told('status', answer.status, other.status),
    ...told('headers', headers(answer), headers(other)),
    ...told('body', withoutIds(answer.text), withoutIds(other.text)),
  ]
}
