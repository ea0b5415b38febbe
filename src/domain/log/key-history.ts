// Which keys signed a log, and from where to where: a signed note (https://c2sp.org/signed-note) of
// our own. Its first line is no origin and its second no size, so it can never pass for a checkpoint.
//
//   ostiary log keys v1
//   <origin>
//   <vkey> <from size> <from time> <until size or -> <until time or -> <signs|ended|compromised>
//
// A key signs every checkpoint larger than its "from" up to and with its "until". Oldest key first.
import { type LogIdentity, logIdentity } from './checkpoint.ts'
import { formatNote, type NoteFailure, openNote, signNote } from './note.ts'
import type { Outcome } from './outcome.ts'
import { ED25519, type NoteKey, parseVkey } from './vkey.ts'

/** The time in which one key signed. */
export type KeyPeriod = {
  readonly vkey: string
  /** Size of the newest checkpoint that it did not sign; 0 for the first key. */
  readonly fromSize: number
  readonly fromTime: Date
  /** Size of the last checkpoint that it signed; null while it signs. */
  readonly untilSize: number | null
  /** When it ended, or is going to; null while nothing is planned. */
  readonly untilTime: Date | null
  /** Somebody else may hold it: it vouches for nothing but what it signed before. */
  readonly compromised: boolean
}

/** Why a history is refused. */
export type KeyHistoryFailure = NoteFailure | 'malformed_history' | 'wrong_origin'

const HEADING = 'ostiary log keys v1'
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/
const SIZE = /^(?:0|[1-9]\d{0,15})$/

/**
 * Writes the history and signs it with every key that is held, so that whoever knows one of them
 * learns the others.
 *
 * @throws RangeError when the origin or a vkey does not fit into its line, or there is no key
 */
export function signKeyHistory(
  origin: string,
  periods: readonly KeyPeriod[],
  keys: readonly NoteKey[],
): string {
  if (origin === '' || periods.some(({ vkey }) => parseVkey(vkey)?.name !== origin))
    throw new RangeError('a key of another log')
  const text = [HEADING, origin, ...periods.map(formatPeriod)].map((line) => `${line}\n`).join('')
  return formatNote(
    text,
    keys.map((key) => signNote(text, key)),
  )
}

/** Opens a history that a key of the log signed: all the keys that it names belong to that log. */
export function openKeyHistory(
  note: string | Uint8Array,
  log: LogIdentity,
): Outcome<readonly KeyPeriod[], KeyHistoryFailure> {
  const verifiers = log.keys.map(({ verifier }) => verifier)
  const opened = openNote(note, verifiers)
  if (!opened.ok) return opened
  const [heading, origin, ...lines] = opened.value.text.slice(0, -1).split('\n')
  const periods = lines.map(parsePeriod)
  if (heading !== HEADING || lines.length === 0) return { ok: false, reason: 'malformed_history' }
  if (!periods.every((period) => period !== undefined))
    return { ok: false, reason: 'malformed_history' }
  if (origin !== log.origin || periods.some(({ vkey }) => parseVkey(vkey)?.name !== origin))
    return { ok: false, reason: 'wrong_origin' }
  return { ok: true, value: periods }
}

/**
 * The log as one knows it who had some of its keys and was shown the history: those keys and all that
 * the history names, each as far as the history says.
 *
 * @param known what was known before; keys of it that the history does not name stay as they are
 */
export function identityWithHistory(
  known: LogIdentity,
  vkeys: readonly string[],
  periods: readonly KeyPeriod[],
): LogIdentity {
  const named = periods.map(({ vkey, untilSize }) => {
    return untilSize === null ? { vkey } : { vkey, until: untilSize }
  })
  return logIdentity([...vkeys, ...named], known.origin) ?? known
}

function formatPeriod(period: KeyPeriod): string {
  const { vkey, fromSize, fromTime, untilSize, untilTime, compromised } = period
  return [
    vkey,
    fromSize,
    fromTime.toISOString(),
    untilSize ?? '-',
    untilTime?.toISOString() ?? '-',
    untilSize === null ? 'signs' : compromised ? 'compromised' : 'ended',
  ].join(' ')
}

function parsePeriod(line: string): KeyPeriod | undefined {
  const [vkey = '', fromSize = '', fromTime = '', untilSize = '', untilTime = '', state, ...more] =
    line.split(' ')
  if (more.length > 0 || parseVkey(vkey)?.type !== ED25519) return undefined
  const period = {
    vkey,
    fromSize: sizeOf(fromSize),
    fromTime: timeOf(fromTime),
    untilSize: untilSize === '-' ? null : sizeOf(untilSize),
    untilTime: untilTime === '-' ? null : timeOf(untilTime),
    compromised: state === 'compromised',
  }
  if (period.fromSize === undefined || period.fromTime === undefined) return undefined
  if (period.untilSize === undefined || period.untilTime === undefined) return undefined
  // Writing it again refuses every other spelling, and a state that is not that of its sizes.
  return formatPeriod(period as KeyPeriod) === line ? (period as KeyPeriod) : undefined
}

function sizeOf(text: string): number | undefined {
  const size = SIZE.test(text) ? Number(text) : NaN
  return Number.isSafeInteger(size) ? size : undefined
}

function timeOf(text: string): Date | undefined {
  const time = new Date(TIME.test(text) ? text : NaN)
  return Number.isNaN(time.getTime()) ? undefined : time
}
