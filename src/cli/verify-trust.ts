/** Whom a verifier trusts: keys of the log, witnesses, and what the log's own history adds to that. */
import {
  type LogIdentity,
  logIdentity,
  openCheckpoint,
  type OpenedCheckpoint,
} from '../domain/log/checkpoint.ts'
import { cosignatureVerifier } from '../domain/log/cosignature.ts'
import { identityWithHistory, type KeyPeriod, openKeyHistory } from '../domain/log/key-history.ts'
import type { NoteVerifier } from '../domain/log/note.ts'
import { ED25519_COSIGNATURE, parseVkey } from '../domain/log/vkey.ts'
import { Trouble } from './verify-report.ts'

/** What somebody brings along who checks a log. */
export interface TrustOptions {
  /** Verifier keys of the log, one at least; all of one name. */
  readonly vkey: string | readonly string[]
  /** Verifier keys of witnesses. */
  readonly witnesses?: readonly string[]
  /** How many of them must have cosigned a checkpoint; absent: all. */
  readonly quorum?: number
  /** A history of the log's keys that was kept. */
  readonly history?: { readonly note: Uint8Array; readonly name: string }
}

/** That, understood. */
export interface Trust {
  readonly vkeys: readonly string[]
  readonly log: LogIdentity
  readonly witnesses: readonly NoteVerifier[]
  readonly quorum: number
  /** What the log's history told of its keys; absent where none was shown. */
  readonly periods?: readonly KeyPeriod[]
}

/** Throws {@link Trouble} when a key is none, or there are fewer witnesses than asked for. */
export function trustIn({ vkey, witnesses = [], quorum, history }: TrustOptions): Trust {
  const vkeys = typeof vkey === 'string' ? [vkey] : vkey
  const log = logIdentity(vkeys)
  if (!log) throw new Trouble('malformed_vkey', '')
  const verifiers = [...new Set(witnesses)].map((witness) => {
    const key = parseVkey(witness)
    if (key?.type !== ED25519_COSIGNATURE) throw new Trouble('malformed_witness', '')
    return cosignatureVerifier(key)
  })
  const names = new Set(verifiers.map(({ name }) => name)).size
  if (quorum !== undefined && quorum > names) throw new Trouble('quorum_too_large', '')
  const trust = { vkeys, log, witnesses: verifiers, quorum: quorum ?? names }
  return history ? withHistory(trust, history.note, history.name) : trust
}

/**
 * The same with the history of the log's keys: newer keys are known by it, and ended ones count no
 * further than it says. A history that none of the known keys signed says nothing; one that was
 * signed falsely throws {@link Trouble}.
 */
export function withHistory(trust: Trust, note: string | Uint8Array, at: string): Trust {
  const opened = openKeyHistory(note, trust.log)
  if (!opened.ok) {
    if (opened.reason === 'no_known_signature') return trust
    throw new Trouble(opened.reason, at)
  }
  const periods = opened.value
  return { ...trust, periods, log: identityWithHistory(trust.log, trust.vkeys, periods) }
}

/** Opens a checkpoint as somebody with this trust; throws {@link Trouble} when it is refused. */
export function openTrusted(
  note: string | Uint8Array,
  { log, witnesses, quorum }: Trust,
  at: string,
): OpenedCheckpoint {
  const opened = openCheckpoint(note, log, witnesses, quorum)
  if (!opened.ok) throw new Trouble(opened.reason, at)
  return opened.value
}
