/** What can come of looking at a log, and how a command ends that found it. */
import type { CheckpointFailure } from '../domain/log/checkpoint.ts'
import type { KeyHistoryFailure } from '../domain/log/key-history.ts'

/** Why a log could not be checked: nothing is said against it. */
export type VerifyHindrance =
  | 'malformed_vkey'
  | 'malformed_witness'
  /** More witnesses are asked for than there are. */
  | 'quorum_too_large'
  | 'unreachable'
  | 'nothing_published'
  /** Two checkpoints of different sizes: their proof has to be read from a log. */
  | 'no_source'

/** Why a log does not hold what it signed. */
export type VerifyFault =
  | CheckpointFailure
  | KeyHistoryFailure
  /** Something that the checkpoint promises is not served. */
  | 'missing'
  | 'malformed_bundle'
  /** An entry does not have the 64 bytes of every entry. */
  | 'malformed_entry'
  /** An entry is no longer the one that was read under an earlier checkpoint. */
  | 'rewritten'
  /** A tile is not the one that its entries give, or not of the tree that was signed. */
  | 'tile_differs'
  /** The entries are not those whose root the checkpoint signed. */
  | 'root_differs'
  /** The checkpoint is older than one that was known before. */
  | 'shrunk'
  /** The tree of an earlier checkpoint is not the beginning of this one: the log was forked. */
  | 'forked'
  /** The folder of an earlier export does not hold what its own checkpoint says. */
  | 'export_damaged'
  /** What is read is not the tree that the newer of two checkpoints signed. */
  | 'source_differs'
  /** Two checkpoints of one size with different roots: no further proof is needed. */
  | 'two_trees'

/** Exit code: 0 right, 1 the log or a receipt is at fault, 2 it could not be checked. */
export type ExitCode = 0 | 1 | 2

/** Ends a check; whoever began it makes a report of it. */
export class Trouble extends Error {
  readonly code: VerifyHindrance | VerifyFault
  /** Path below the log's prefix, or name of the file, at which it was noticed. */
  readonly at: string

  constructor(code: VerifyHindrance | VerifyFault, at: string) {
    super(code)
    this.code = code
    this.at = at
  }
}

/** Whether a code says something against the log, or only that it could not be looked at. */
export function exitCodeFor(code: string): 1 | 2 {
  return HINDRANCES.has(code) ? 2 : 1
}

const HINDRANCES: ReadonlySet<string> = new Set<VerifyHindrance>([
  'malformed_vkey',
  'malformed_witness',
  'quorum_too_large',
  'unreachable',
  'nothing_published',
  'no_source',
])
