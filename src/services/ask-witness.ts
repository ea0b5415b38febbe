import {
  formatAddCheckpoint,
  parseStoredSize,
  readCosignatures,
  SIZE_TYPE,
} from '../domain/log/add-checkpoint.ts'
import { cosignatureTime } from '../domain/log/cosignature.ts'
import { formatSignatureLine, type NoteVerifier, parseNote } from '../domain/log/note.ts'
import { consistencyProof, rootAt, tilesForConsistency, tilesForRoot } from '../domain/log/tree.ts'
import { verifyConsistency } from '../domain/log/verify.ts'
import type { AskWitness } from '../notify/witness-client.ts'
import type { Database } from '../storage/database.ts'
import type * as log from '../storage/log.ts'

/** A witness as it is configured. */
export interface Witness {
  readonly vkey: string
  readonly verifier: NoteVerifier
  /** Submission prefix. */
  readonly url: string
}

/** How asking a witness came out. */
export type Asked =
  | {
      readonly state: 'cosigned'
      readonly size: number
      /** With its newline. */
      readonly line: string
      readonly time: Date
    }
  /** It has cosigned what this log does not continue: it may be this server that went back, or forked. */
  | {
      readonly state: 'refuses'
      readonly as: 'rolled_back' | 'forked'
      readonly size: number
      readonly stored: number
    }
  | { readonly state: 'failed'; readonly code: WitnessFault }

/** Why there is no cosignature this time. */
export type WitnessFault =
  | 'unreachable'
  /** It answered in a way that the protocol does not know. */
  | 'unexpected_answer'
  /** 404: it does not watch this log. */
  | 'unknown_log'
  /** 403: it knows other keys of this log. */
  | 'not_trusted'
  /** What it gave is not its signature over this checkpoint. */
  | 'false_cosignature'
  /** This log's own tiles do not give the proof that its checkpoint asks for: nothing was sent. */
  | 'tiles_damaged'

export interface AskDependencies {
  readonly db: Database
  readonly log: Pick<typeof log, 'findNewestCheckpoint' | 'readTiles'>
  readonly ask: AskWitness
}

/** How often a witness may name another size in one round, such as when another node asks it too. */
const ATTEMPTS = 4

/**
 * Asks one witness to cosign the newest checkpoint.
 *
 * @param from what it is known to have cosigned last; 0 where that is not known. It says if it is not so.
 */
export async function askWitness(
  deps: AskDependencies,
  witness: Witness,
  newest: log.StoredCheckpoint,
  from: number,
): Promise<Asked> {
  let checkpoint = newest
  let oldSize = Math.min(from, newest.size)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const consistency = await proofFrom(deps, oldSize, checkpoint)
    if (!consistency) return failed('tiles_damaged')
    const { note, size } = checkpoint
    const reply = await deps.ask(witness.url, formatAddCheckpoint({ oldSize, consistency, note }))
    if (!reply.reached) return failed('unreachable')
    if (reply.status !== 409) return asked(reply, witness, checkpoint, oldSize)

    const stored = reply.type.startsWith(SIZE_TYPE) ? parseStoredSize(reply.body) : undefined
    if (stored === undefined || stored === oldSize) return failed('unexpected_answer')
    // What it has may have come from another node a moment ago; but not from beyond what is stored now.
    checkpoint = (await deps.log.findNewestCheckpoint(deps.db)) ?? checkpoint
    if (stored > checkpoint.size) return { state: 'refuses', as: 'rolled_back', size, stored }
    oldSize = stored
  }
  return failed('unexpected_answer')
}

/** What a reply other than 409 says. */
function asked(
  { status, body }: { readonly status: number; readonly body: string },
  { verifier }: Witness,
  { note, size }: log.StoredCheckpoint,
  oldSize: number,
): Asked {
  if (status === 200) return cosigned(body, verifier, note, size)
  if (status === 404) return failed('unknown_log')
  if (status === 403) return failed('not_trusted')
  // The proof was right by this log's own tiles: so the tree that the witness has is another one.
  if (status === 422 && oldSize > 0)
    return { state: 'refuses', as: 'forked', size, stored: oldSize }
  return failed(status >= 500 || status === 429 ? 'unreachable' : 'unexpected_answer')
}

function cosigned(body: string, verifier: NoteVerifier, note: string, size: number): Asked {
  const parsed = parseNote(note)
  const read = parsed.ok ? readCosignatures(body, parsed.value.text, verifier) : undefined
  const [cosignature] = read?.ok ? read.value : []
  const time = cosignature && cosignatureTime(cosignature.signature)
  if (!cosignature || time === undefined || time > MOST_SECONDS) return failed('false_cosignature')
  const line = formatSignatureLine(cosignature)
  return { state: 'cosigned', size, line, time: new Date(time * 1000) }
}

/** The end of the year 9999 in POSIX seconds: what a Date and the database can hold. */
const MOST_SECONDS = 253_402_300_799

/** The proof that the checkpoint continues the tree of `oldSize`; undefined when the tiles do not give it. */
async function proofFrom(
  { db, log }: AskDependencies,
  oldSize: number,
  { size, root }: log.StoredCheckpoint,
): Promise<readonly Uint8Array[] | undefined> {
  if (oldSize === 0) return []
  const refs = [...tilesForConsistency(oldSize, size), ...tilesForRoot(oldSize)]
  const tiles = await log.readTiles(db, refs)
  try {
    const consistency = consistencyProof(oldSize, size, tiles)
    const claim = {
      fromSize: oldSize,
      fromRoot: rootAt(oldSize, tiles),
      toSize: size,
      toRoot: root,
    }
    return verifyConsistency({ ...claim, consistency }) ? consistency : undefined
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

const failed = (code: WitnessFault): Asked => ({ state: 'failed', code })
