import type { Database } from '../storage/database.ts'
import type * as stuck from '../storage/stuck-sequencer.ts'

/** What somebody finds who came to publish and could not, because another node is at it. */
export interface Blocked {
  /** Milliseconds since the log was last published; undefined before the first time. */
  readonly publishedAgo: number | undefined
  /** Milliseconds for which the other has held the lock; undefined when nobody does any more. */
  readonly heldFor: number | undefined
  /** The other's session was ended: the next tick will find the lock free. */
  readonly ended: boolean
}

/** Looks at whoever holds the sequencer's lock, and ends a session that has held it for too long. */
export type FreeSequencer = () => Promise<Blocked>

/**
 * `stuckAfter` in milliseconds, as the ticks have it: a session that lies still for that long is ended
 * by the database itself. One that lives on for twice as long is ended here (it may hang while it
 * sends to a node that does not read, where the database's limits do not reach).
 */
export function makeFreeSequencer({
  db,
  storage,
  stuckAfter,
}: {
  /** Of the worker role. */
  readonly db: Database
  readonly storage: Pick<
    typeof stuck,
    'endSequencerHolder' | 'findSequencerHolder' | 'publishedAgo'
  >
  readonly stuckAfter: number
}): FreeSequencer {
  return async () => {
    const publishedAgo = await storage.publishedAgo(db)
    const holder = await storage.findSequencerHolder(db)
    const isStuck = holder !== undefined && holder.heldFor > 2 * stuckAfter
    const ended = isStuck && (await storage.endSequencerHolder(db, holder, 2 * stuckAfter))
    return { publishedAgo, heldFor: holder?.heldFor, ended }
  }
}
