import type { Json } from '../domain/log/canonical.ts'
import { type EventHeader, type SealedEvent, sealEvent } from '../domain/log/event.ts'
import { OstiaryError } from '../errors.ts'
import type * as auditEvents from '../storage/audit-events.ts'
import type { Tx } from '../storage/database.ts'
import type { Caller } from './caller.ts'
import type { Runtime } from './runtime.ts'

/** What a caller gets in hand for an event: its id and the leaf that will be in the log. */
export interface Receipt {
  readonly eventId: string
  /** Base64url of SHA-256(0x00 || entry). */
  readonly leafHash: string
  /** Origin line of the log that will hold it. */
  readonly origin: string
}

/** Event as a use case states it: id and time are added here. */
export type EventStatement = Omit<EventHeader, 'id' | 'at'> & {
  readonly at?: Date
  readonly public: { readonly [name: string]: Json }
  readonly private: { readonly [name: string]: Json }
}

export type RecordEvent = (tx: Tx, event: EventStatement) => Promise<Receipt>

/**
 * Writes audit events in the transaction of what they tell; throws `audit_unavailable` when it cannot,
 * and then nothing of it happens.
 */
export function makeRecordEvent({
  storage,
  runtime,
  origin,
}: {
  storage: Pick<typeof auditEvents, 'insertEvent'>
  runtime: Runtime
  origin: string
}): RecordEvent {
  return async (tx, statement) => {
    const event = sealStatement(runtime, statement)
    try {
      await storage.insertEvent(tx, event)
    } catch (cause) {
      throw new OstiaryError('audit_unavailable', { cause, headers: { 'retry-after': '5' } })
    }
    return receiptOf(event, origin)
  }
}

/** The event of a statement, with an id, a time and salts of its own. */
export function sealStatement(
  runtime: Runtime,
  { public: publicDetail, private: privateDetail, ...header }: EventStatement,
): SealedEvent {
  return sealEvent(
    { at: runtime.now(), result: resultOf(publicDetail), ...header, id: runtime.uuid() },
    publicDetail,
    privateDetail,
    () => runtime.random(32),
  )
}

/** What its caller gets in hand. */
export function receiptOf({ header, leafHash }: SealedEvent, origin: string): Receipt {
  return {
    eventId: header.id,
    leafHash: Buffer.from(leafHash).toString('base64url'),
    origin,
  }
}

/** An event that says what was refused tells of a refusal, any other of something done. */
const resultOf = (publicDetail: { readonly [name: string]: Json }) =>
  Object.hasOwn(publicDetail, 'refused') ? 'refused' : 'done'

/** What the header of an event says of who acted and how. */
export type Actor = Omit<EventHeader, 'id' | 'at' | 'type' | 'caseId' | 'subjectId' | 'result'>

/** The header fields that every event of an authenticated call has in common. */
export function calledBy(caller: Caller): Actor {
  return {
    agencyId: caller.agencyId,
    ...(caller.atServer
      ? { channel: 'command_line' }
      : { clientId: caller.clientId, channel: caller.channel }),
    requestId: caller.requestId,
    ...(caller.operation === undefined ? {} : { operation: caller.operation }),
    ...(caller.practitionerId === undefined ? {} : { practitionerId: caller.practitionerId }),
    ...(caller.role === undefined ? {} : { role: caller.role }),
  }
}

/** Header fields of what the operator does at the server itself; `command` in its words, as `keys rotate`. */
export const byCommand = (command: string): Actor => ({
  operation: command,
  channel: 'command_line',
})

/** Header fields of what a worker does by the clock. */
export const byWorker = (clock: string): Actor => ({ operation: clock, channel: 'worker' })
