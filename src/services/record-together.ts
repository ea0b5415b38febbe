import type { SealedEvent } from '../domain/log/event.ts'
import { OstiaryError } from '../errors.ts'
import type * as auditEvents from '../storage/audit-events.ts'
import type { Database } from '../storage/database.ts'
import { type EventStatement, type Receipt, receiptOf, sealStatement } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** Writes an event that tells of nothing else that is written: durable when the promise resolves. */
export type RecordAlone = (event: EventStatement) => Promise<Receipt>

/** Most events in one statement. */
const LARGEST_GROUP = 128

/** Statements under way at once: while one waits for the disk, the next is carried out. */
const LANES = 2

/**
 * Writes events that stand alone, such as sign-ins. Those that come while commits are under way go
 * together into the next one, so that under load many share one round trip and one flush to disk;
 * nobody is answered before the commit of the own event. All of a group, or none.
 *
 * Throws `audit_unavailable` when it was not written, or nobody knows whether it was.
 */
export function makeRecordTogether({
  db,
  storage,
  runtime,
  origin,
}: {
  /** Of the worker role. */
  readonly db: Database
  readonly storage: Pick<typeof auditEvents, 'insertEvents'>
  readonly runtime: Runtime
  readonly origin: string
}): RecordAlone {
  interface Waiting {
    readonly event: SealedEvent
    readonly resolve: (receipt: Receipt) => void
    readonly reject: (error: unknown) => void
  }
  // Owned by the returned function alone.
  const queue: Waiting[] = []
  let underWay = 0

  async function drain(): Promise<void> {
    underWay += 1
    while (queue.length > 0) {
      const group = queue.splice(0, LARGEST_GROUP)
      const events = group.map(({ event }) => event)
      try {
        // One statement is its own transaction, and one round trip.
        await storage.insertEvents(db, events)
        for (const { event, resolve } of group) resolve(receiptOf(event, origin))
      } catch (cause) {
        const headers = { 'retry-after': '5' }
        for (const { reject } of group)
          reject(new OstiaryError('audit_unavailable', { cause, headers }))
      }
    }
    underWay -= 1
  }

  return async (statement) => {
    const event = sealStatement(runtime, statement)
    return new Promise((resolve, reject) => {
      queue.push({ event, resolve, reject })
      if (underWay < LANES) void drain()
    })
  }
}
