/**
 * Refusals at the door go into the log, and yet nobody can fill it with them: of each kind the first few
 * in a minute are events of their own, the rest of that minute one event that counts them.
 */
import type { EventType } from '../domain/log/event.ts'
import type { Tx } from '../storage/database.ts'
import type { Actor, RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** Somebody was turned away before anything was done. */
export interface Refusal extends Actor {
  readonly type: Extract<
    EventType,
    'signin.token_refused' | 'authority.refused' | 'authority.limited'
  >
  /** Stable code; never anything that the client sent. */
  readonly code: string
  /** Present where a known person was asked about. */
  readonly subjectId?: string
  /** Named and not proven: for the private part alone. */
  readonly claimedPractitionerId?: string
}

export interface BoundedRefusals {
  /** Resolves once it is written, or counted. Throws `audit_unavailable`. */
  record(refusal: Refusal): Promise<void>
  /** Writes what was counted in minutes that are over; with `all`, in the present one too. */
  flush(options?: { readonly all?: boolean }): Promise<void>
}

export interface BoundedRefusalDependencies {
  /** Runs in a transaction of the agency; without one where nobody is known. */
  readonly transact: <Result>(
    agencyId: string | undefined,
    work: (tx: Tx) => Promise<Result>,
  ) => Promise<Result>
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'now'>
  /** Events of a kind in a minute that are written one by one; default 10. */
  readonly most?: number
}

const MINUTE = 60_000
const MOST = 10

/** Refusals of one type, code and agency within one minute. */
interface Window {
  readonly kind: Pick<Refusal, 'type' | 'code' | 'agencyId'>
  readonly minute: number
  written: number
  counted: number
}

/**
 * Makes the recorder of one process. What is only counted lies in memory until its minute is over: a
 * process that is killed loses that count, never an event that was written.
 */
export function makeBoundedRefusals(deps: BoundedRefusalDependencies): BoundedRefusals {
  const { runtime, most = MOST } = deps
  // Owned by the returned object. Kinds are as many as codes times agencies, so it does not grow without end.
  const windows = new Map<string, Window>()
  const minuteNow = () => Math.floor(runtime.now().getTime() / MINUTE)

  function windowOf({ type, code, agencyId }: Refusal): Window {
    const minute = minuteNow()
    const name = `${type} ${code} ${agencyId ?? ''} ${minute}`
    const known = windows.get(name)
    if (known) return known
    const kind = { type, code, ...(agencyId === undefined ? {} : { agencyId }) }
    const made = { kind, minute, written: 0, counted: 0 }
    windows.set(name, made)
    return made
  }

  async function flush({ all = false } = {}): Promise<void> {
    const now = minuteNow()
    for (const [name, window] of [...windows]) {
      if (!all && window.minute >= now) continue
      windows.delete(name)
      if (window.counted === 0) continue
      try {
        await writeCount(deps, window)
      } catch (error) {
        // Kept for the next time.
        windows.set(name, window)
        throw error
      }
    }
  }

  return {
    async record(refusal) {
      // What is left of earlier minutes must not turn this one away.
      await flush().catch(() => {})
      const window = windowOf(refusal)
      if (window.written >= most) {
        window.counted += 1
        return
      }
      window.written += 1
      try {
        await write(deps, refusal)
      } catch (error) {
        // Nothing was written, so nothing is used up: while the log is away no refusal is only counted.
        window.written -= 1
        throw error
      }
    },
    flush,
  }
}

function write(
  { transact, recordEvent }: BoundedRefusalDependencies,
  { code, claimedPractitionerId, ...header }: Refusal,
): Promise<unknown> {
  return transact(header.agencyId, (tx) =>
    recordEvent(tx, {
      ...header,
      public: { refused: code },
      private: { practitionerId: claimedPractitionerId ?? null },
    }),
  )
}

function writeCount(
  { transact, recordEvent }: BoundedRefusalDependencies,
  { kind, minute, counted }: Window,
): Promise<unknown> {
  const { agencyId, type, code } = kind
  return transact(agencyId, (tx) =>
    recordEvent(tx, {
      type: 'signin.refusals_counted',
      ...(agencyId === undefined ? {} : { agencyId }),
      public: {
        refused: code,
        of: type,
        count: counted,
        from: new Date(minute * MINUTE).toISOString(),
        to: new Date((minute + 1) * MINUTE).toISOString(),
      },
      private: {},
    }),
  )
}
