import { createHash } from 'node:crypto'
import type { Database, Tx } from '../storage/database.ts'
import type * as retirement from '../storage/audit-retirement.ts'
import type { ArchivedEvent, Month, Unfinished } from '../storage/audit-retirement.ts'
import { byCommand, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** Where retired events are kept, outside of the server. */
export interface Archive {
  /** Adds lines, each with its line feed. */
  write(lines: string): Promise<void>
  /** Has all that was written on disk. */
  flush(): Promise<void>
}

/** What became of one month. */
export type Retirement =
  | {
      readonly month: Month
      readonly state: 'retired'
      readonly events: number
      readonly eventId: string
    }
  /** Something of it is not over, so it stays whole. */
  | { readonly month: Month; readonly state: 'kept'; readonly unfinished: Unfinished }

export interface RetireDependencies {
  /** Of the owner. */
  readonly db: Database
  readonly storage: typeof retirement
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'now'>
  /** Months for which events are kept, the present one included. */
  readonly keep: number
}

/**
 * Retires every month of audit events before `before`: writes its events to the archive, if there is
 * one, then drops them with their salts. The log's tree stays as it is, and so do the positions: what
 * was handed out still verifies, and the event `erase.audit_retired` says exactly which events are
 * gone. Each month is a transaction of its own; one that something waits for is kept.
 *
 * @throws Error when `before` is later than the policy allows; then nothing is done
 */
export function makeRetireAuditMonths(deps: RetireDependencies) {
  return async (before: Month, archive?: Archive): Promise<Retirement[]> => {
    const oldest = oldestKept(deps.runtime.now(), deps.keep)
    if (before > oldest)
      throw new Error(
        `events are kept for ${deps.keep} months: nothing from ${oldest} on is retired`,
      )
    const months = await deps.storage.listAuditMonths(deps.db)
    const done: Retirement[] = []
    for (const month of months.filter((one) => one < before))
      done.push(await deps.db.transaction().execute((tx) => retire(deps, tx, month, archive)))
    return done
  }
}

export type RetireAuditMonths = ReturnType<typeof makeRetireAuditMonths>

/** The oldest month that is kept. */
function oldestKept(now: Date, keep: number): Month {
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - keep + 1))
  return first.toISOString().slice(0, 7)
}

async function retire(
  { storage, recordEvent }: RetireDependencies,
  tx: Tx,
  month: Month,
  archive: Archive | undefined,
): Promise<Retirement> {
  await storage.holdMonth(tx, month)
  const unfinished = await storage.countUnfinished(tx, month)
  if (Object.values(unfinished).some((count) => count > 0))
    return { month, state: 'kept', unfinished }
  const read = await readThrough(storage, tx, month, archive)
  const { events, firstLeaf, lastLeaf, digest, archiveSha256 } = read
  const others =
    firstLeaf === null || lastLeaf === null
      ? []
      : await storage.listOthers(tx, month, firstLeaf, lastLeaf)
  const { eventId } = await recordEvent(tx, {
    ...byCommand('audit retire'),
    type: 'erase.audit_retired',
    public: { month, events, firstLeaf, lastLeaf, digest, archiveSha256 },
    private: {},
  })
  await storage.retireMonth(tx, { month, ...read, others, retiredBy: eventId })
  return { month, state: 'retired', events, eventId }
}

/** Goes through a month once: counts, digests, and archives it. */
async function readThrough(
  storage: Pick<typeof retirement, 'readMonth'>,
  tx: Tx,
  month: Month,
  archive: Archive | undefined,
) {
  // The same as `eventDigest`, without all ids in memory: they come in ascending order.
  const ids = createHash('sha256')
  const kept = createHash('sha256')
  let events = 0
  let firstLeaf: number | null = null
  let lastLeaf: number | null = null
  for await (const page of storage.readMonth(tx, month)) {
    for (const { id, leafIndex } of page) {
      ids.update(`${id}\n`)
      firstLeaf = Math.min(firstLeaf ?? leafIndex, leafIndex)
      lastLeaf = Math.max(lastLeaf ?? leafIndex, leafIndex)
    }
    events += page.length
    if (!archive) continue
    const lines = page.map(lineOf).join('')
    kept.update(lines)
    await archive.write(lines)
  }
  await archive?.flush()
  const archiveSha256 = archive ? kept.digest('hex') : null
  return { events, firstLeaf, lastLeaf, digest: ids.digest('base64'), archiveSha256 }
}

/** All that is needed to open the entry again: the texts as they were committed to, and the salts. */
function lineOf({ at, publicSalt, privateSalt, ...event }: ArchivedEvent): string {
  const line = {
    ...event,
    at: at.toISOString(),
    publicSalt: publicSalt?.toString('base64') ?? null,
    privateSalt: privateSalt?.toString('base64') ?? null,
  }
  return `${JSON.stringify(line)}\n`
}
