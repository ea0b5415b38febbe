/** The last step of a disclosure: after the commit, and for verdicts that release, values are opened. */
import { isRelease } from '../domain/disclosure/effects.ts'
import type { DisclosureItem, Outcome } from '../domain/disclosure/item.ts'
import { outcomeOf } from '../domain/disclosure/item.ts'
import type { Json } from '../domain/log/canonical.ts'
import type { SealedEvent } from '../domain/log/event.ts'
import { applyTransform } from '../domain/policy/transform.ts'
import type { ReleaseVerdict } from '../domain/policy/verdict.ts'
import type { Opened as OpenedValue } from '../vault/sealed-record.ts'
import type { DecidedCase, Shown } from './decided-write.ts'
import type { DiscloseDependencies } from './disclose-fields.ts'
import type { Receipt } from './record-event.ts'
import { sealedRecord } from './sealed-records.ts'

/** One entry of the answer; `value` only when it was released and not sealed. */
export type AnswerEntry = DisclosureItem & { readonly value?: Json }

/** The answer as the API shows it (api.md, requestDisclosure). */
export interface Opened {
  readonly id: string
  readonly decidedAt: string
  readonly outcome: Outcome
  readonly policy: { readonly version: number; readonly hash: string }
  readonly fields: readonly AnswerEntry[]
  readonly receipt: Receipt
  readonly replayOf?: string
  readonly releaseOf?: string
  /** All values in one box to the recipient's registered key, keyed by index in `fields`. */
  readonly sealed?: { readonly keyId: string; readonly box: string }
}

/**
 * Opens what was decided to leave, and nothing else. A value that will not open is withheld with
 * `rule_error`, and the log is told so before the answer leaves.
 */
export async function openAnswer(
  deps: DiscloseDependencies,
  decided: DecidedCase,
  shown: Shown,
  event: SealedEvent,
): Promise<Opened> {
  const { request, mode, policy } = decided
  const frame = {
    id: decided.id,
    decidedAt: decided.at.toISOString(),
    policy: { version: policy.version, hash: policy.hash },
    receipt: {
      eventId: event.header.id,
      leafHash: Buffer.from(event.leafHash).toString('base64url'),
      origin: decided.origin,
    },
    ...(decided.replayOf ? { replayOf: decided.replayOf } : {}),
    ...(mode.release ? { releaseOf: mode.release.of } : {}),
  }
  if (mode.kind === 'preview')
    return { ...frame, outcome: shown.outcome, fields: shown.entries.map(({ item }) => item) }
  const fields = await openEntries(deps, decided, shown)
  const outcome = outcomeOf(fields)
  if (!request.seal) return { ...frame, outcome, fields }
  return { ...frame, outcome, ...sealEntries(deps, decided, fields, frame.receipt.leafHash) }
}

async function openEntries(
  deps: DiscloseDependencies,
  decided: DecidedCase,
  shown: Shown,
): Promise<AnswerEntry[]> {
  const releases = shown.entries.map(({ verdict }) => verdict).filter(isRelease)
  const values = deps.vault.open(
    releases,
    decided.records.map((record) => sealedRecord(record, decided.request.caseId)),
  )
  const broken: { recordId: string; field: string }[] = []
  const fields = shown.entries.map(({ verdict, item }): AnswerEntry => {
    if (!isRelease(verdict)) return item
    const value = valueOf(values.get(verdict), verdict, decided.at)
    if (value !== undefined) return { ...item, value }
    broken.push({ recordId: verdict.recordId, field: verdict.field.id })
    const { field, recordId, version } = item
    return {
      field,
      outcome: 'withheld',
      ...(recordId === undefined ? {} : { recordId }),
      ...(version === undefined ? {} : { version }),
      tests: { secure: 'fail' },
      rules: [],
      reasons: [{ code: 'rule_error' }],
      remedies: [],
    }
  })
  if (broken.length > 0) await deps.recordUnreadable(decided.caller, decided, broken)
  return fields
}

/** The value as it may leave; undefined when it would not open or could not be made less telling. */
function valueOf(
  opened: OpenedValue<Json> | undefined,
  { transform, field }: ReleaseVerdict,
  at: Date,
): Json | undefined {
  if (!opened?.opened) return undefined
  if (transform === undefined) return opened.value
  return applyTransform(transform, field, opened.value, at.getTime()) as Json | undefined
}

function sealEntries(
  { sealFor }: DiscloseDependencies,
  decided: DecidedCase,
  fields: readonly AnswerEntry[],
  leafHash: string,
): { fields: DisclosureItem[]; sealed: { keyId: string; box: string } } {
  const values = Object.fromEntries(
    fields.flatMap(({ value }, index) => (value === undefined ? [] : [[String(index), value]])),
  )
  const key = Buffer.from(decided.context.agency.sealingKey ?? '', 'base64')
  const box = JSON.stringify({ disclosureId: decided.id, leafHash, values })
  return {
    fields: fields.map(({ value: _value, ...item }) => item as DisclosureItem),
    sealed: sealFor(key, box),
  }
}
