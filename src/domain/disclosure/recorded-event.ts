/** What the event of a decision says of it, read back from its two parts. */
import type { Json } from '../log/canonical.ts'

/** One entry as it was told, or as it was hidden; members as in `itemOf` and `hiddenItemOf`. */
export type RecordedEntry = { readonly [member: string]: Json } & {
  readonly field: string
  readonly recordId: string
  readonly rules: readonly string[]
}

/** The request and what its requester saw. */
export interface RecordedRequest {
  readonly requested: readonly string[]
  readonly justified: boolean
  readonly channel: string
  readonly sealed: boolean
  readonly exception: string | null
  readonly policy: { readonly version: number; readonly hash: string }
  readonly outcome: string
  readonly entries: readonly RecordedEntry[]
}

/** The public part. */
export function recordedRequest(publicPart: string): RecordedRequest {
  return JSON.parse(publicPart) as RecordedRequest
}

/** Entries of the private part: those that were silent, or told in another way. */
export function hiddenEntries(privatePart: string): readonly RecordedEntry[] {
  return (JSON.parse(privatePart) as { readonly hidden?: readonly RecordedEntry[] }).hidden ?? []
}

/** What was decided of each value, by record and field: the hidden cause where there is one. */
export function recordedOutcomes(
  told: readonly RecordedEntry[],
  hidden: readonly RecordedEntry[],
): ReadonlyMap<string, { readonly outcome: string; readonly rules: readonly string[] }> {
  return new Map([
    ...told.map((entry) => [entryName(entry), outcomeOf(entry)] as const),
    ...hidden.map(
      (entry) => [entryName(entry), { ...outcomeOf(entry), outcome: 'withheld' }] as const,
    ),
  ])
}

const outcomeOf = ({ outcome, rules }: RecordedEntry) => ({ outcome: String(outcome), rules })

/** Record and field in one name. */
export function entryName({ recordId, field }: { recordId: string; field: string }): string {
  return `${recordId}/${field}`
}
