import { formatCosignatures, parseAddCheckpoint } from '../domain/log/add-checkpoint.ts'
import {
  type AddDecision,
  type AddRefusal,
  cosignNote,
  decideAddCheckpoint,
  type WatchedLog,
} from '../domain/log/witness.ts'
import type { WitnessState } from './state.ts'

/** The answer to one request, and what its operator is told. */
export interface Added {
  readonly decision: AddDecision
  /** Signature lines, where the decision is 200. */
  readonly cosignatures: string
  /** One line for people. */
  readonly told: string
}

/** Handles the body of one request. Rejects with `WitnessFailure` when the witness must stop. */
export type AddCheckpoint = (body: Uint8Array) => Promise<Added>

/** Bodies that wait for their turn, at most; further ones are told to come again. */
export const MOST_WAITING = 64

/** Why a request was turned away, for people. */
const WORDS: Readonly<Record<AddRefusal, string>> = {
  malformed: 'a request that is none',
  unknown_log: 'a log that this witness does not watch',
  not_signed: 'REFUSED: not signed by a key of this log',
  bad_signature: 'REFUSED: the signature of this log is false',
  shrinks: 'refused: an old size beyond the new one',
  false_empty_root: 'REFUSED: an empty log with a root that is not that of an empty log',
  forked:
    'REFUSED, FORK: the log signed another tree of a size that this witness has cosigned already',
  not_consistent:
    'REFUSED, FORK OR FALSE PROOF: the tree does not continue the one that this witness has cosigned',
}

/**
 * Decides, stores and only then cosigns, one request after the other, so that nothing comes between
 * looking at the stored size and replacing it.
 *
 * @param now milliseconds since the epoch
 */
export function makeAddCheckpoint(
  state: WitnessState,
  logs: ReadonlyMap<string, WatchedLog>,
  now: () => number = Date.now,
): AddCheckpoint & { readonly waiting: () => number } {
  // Owned by the returned function: the end of the line, and how long the line is.
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0

  async function add(body: Uint8Array): Promise<Added> {
    const request = parseAddCheckpoint(body)
    if (!request) {
      const decision = { status: 400, reason: 'malformed' } as const
      return { decision, cosignatures: '', told: WORDS.malformed }
    }
    const decision = decideAddCheckpoint(
      request,
      logs,
      (origin) => state.latest(origin)?.checkpoint,
    )
    if (decision.status !== 200) {
      // Signed by its log, and contradicting what was cosigned: worth keeping.
      if (decision.status === 422) await state.keepRefused(request.note)
      return { decision, cosignatures: '', told: toldOf(decision) }
    }
    const { checkpoint } = decision
    const { cosignature, note } = cosignNote(decision.note, Math.floor(now() / 1000), state.key)
    await state.replace(state.latest(checkpoint.origin), { checkpoint, note })
    return { decision, cosignatures: formatCosignatures([cosignature]), told: toldOf(decision) }
  }

  return Object.assign(
    (body: Uint8Array): Promise<Added> => {
      waiting += 1
      const mine = last.then(() => add(body)).finally(() => (waiting -= 1))
      last = mine.catch(() => {})
      return mine
    },
    { waiting: () => waiting },
  )
}

function toldOf(decision: AddDecision): string {
  if (decision.status === 200) {
    const { origin, size } = decision.checkpoint
    return `${origin}: cosigned ${size} entries`
  }
  if (decision.status === 409) {
    const { checkpoint, storedSize } = decision
    // Anybody can send an old checkpoint again; that the log itself is older is for it to find out.
    const how = checkpoint.size < storedSize ? 'an older checkpoint' : 'another starting point'
    return `${checkpoint.origin}: ${how} (${checkpoint.size} entries; cosigned so far: ${storedSize})`
  }
  const { checkpoint, reason } = decision
  return checkpoint
    ? `${checkpoint.origin}: ${WORDS[reason]} (${checkpoint.size} entries)`
    : WORDS[reason]
}
