/** What the self-check can find (S29): where something stored is not what the log says. */

/** Each kind with what it means; `docs/integrity.md` says what to do about it. */
export const FINDING_KINDS = {
  // Of the log.
  checkpoint_forged: 'a checkpoint is not signed by the log, or its row says something else',
  cosignature_forged: 'a cosignature is not that of its witness over its checkpoint',
  checkpoint_chain: 'a checkpoint does not continue the one before it',
  checkpoint_missing: 'there are entries, but no checkpoint over them',
  log_shrunk: 'the log is smaller than it was when this process last looked',
  tree_differs: 'the entries are not those whose root was signed',
  tile_differs: 'a tile is missing or not the one that the entries give',
  bundle_damaged: 'an entry bundle is missing or malformed',
  row_beyond_tree: 'a tile, bundle or position lies beyond the tree',
  anchor_differs: 'the events of a tick are not those that it integrated',
  anchor_start_forged: 'where anchors begin was changed',
  log_keys_altered: 'a key of the log, as it is stored, is not the one that was made',
  // Of events.
  event_missing: 'the log holds an event that is gone',
  event_altered: 'an event is not the one that the log committed to',
  event_duplicate: 'an event is there twice',
  event_unlogged: 'an event was never put in the log',
  salt_missing: 'an event cannot be opened: its salts are gone',
  salt_extra: 'there are salts without an event',
  pending_altered: 'an event that waits for the log is not what its entry says',
  pending_extra: 'an entry waits for the log without an event, or twice',
  loss_unvouched: 'a list of what was erased or retired is not the one that an event vouches for',
  // Of the rows that events tell about.
  row_missing: 'an event tells of a row that is gone',
  row_altered: 'a row is not what its event says',
  row_extra: 'no event tells of a row',
  // Of the self-check.
  unreadable: 'a part could not be checked, because what stands there has another form',
  many_more: 'there is more than is listed one by one',
} as const

export type FindingKind = keyof typeof FINDING_KINDS

/** One thing found: names and ids alone, never what a row holds. */
export interface Finding {
  readonly kind: FindingKind
  readonly table: string
  /** Key of the row, as text. */
  readonly row: string
  /** The event that it is about, where there is one. */
  readonly eventId?: string
}

/** One name for the same finding in every cycle. */
export const findingKey = ({ kind, table, row }: Finding): string => `${kind} ${table} ${row}`
