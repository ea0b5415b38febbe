import type { LogFault } from '../domain/log/sequence.ts'
import type { FreeSequencer } from '../services/free-sequencer.ts'
import type { Sequenced, SequenceLog } from '../services/sequence-log.ts'
import { makeTicker, type Timers } from './ticker.ts'
import { errorCodes, type WorkerLog } from './worker-log.ts'

/** How the log is doing, as this node knows; for readiness and figures. */
export interface SequencerStatus {
  /** When a tick last came to a good end here (published, or left to another node); milliseconds. */
  readonly goodAt?: number
  readonly treeSize?: number
  /** Set from the tick that refused to go on, until one goes well. */
  readonly fault?: LogFault
  /** Ticks that failed in a row, such as for want of the database. */
  readonly failures: number
  /** Set while another node is at a tick and the log has not grown for some ticks; milliseconds. */
  readonly stalledFor?: number
}

/** Publishes the log at every tick. */
export interface Sequencer {
  start(): void
  /** No further tick begins; resolves when the last one is over. What is pending stays pending. */
  stop(): Promise<void>
  /** Publishes at once, besides the ticks. Rejects when it cannot; a refusal is a value. */
  tickNow(): Promise<Sequenced>
  status(): SequencerStatus
}

const TASK = 'sequence_log'

/** Ticks for which the log may stand still before somebody is told. */
const STALLED_TICKS = 3

/**
 * Ticks on a grid of wall-clock time, the same on every node; whichever comes first does the work,
 * and the others leave it at that. A tick that fails is tried again as the next one.
 */
export function makeSequencer({
  sequenceLog,
  freeSequencer,
  tick,
  timers,
  log,
}: {
  readonly sequenceLog: SequenceLog
  /** Asked whenever another node is at it; without it the other is waited for as long as it takes. */
  readonly freeSequencer?: FreeSequencer
  /** Milliseconds. */
  readonly tick: number
  readonly timers: Timers
  readonly log: WorkerLog
}): Sequencer {
  // Owned by the returned object; replaced as a whole.
  let status: SequencerStatus = { failures: 0 }

  async function run(manual: boolean): Promise<Sequenced> {
    try {
      // Half a tick apart: two nodes whose clocks differ a little do not publish twice in one tick.
      const sequenced = await sequenceLog(manual ? {} : { notWithin: tick / 2 })
      status = statusAfter(sequenced)
      if (sequenced.state === 'refused')
        log.fatal({ task: TASK, code: sequenced.fault }, 'the log is not what was signed')
      if (sequenced.state === 'skipped' && sequenced.why === 'other_sequencer') await lookAtOther()
      return sequenced
    } catch (error) {
      status = { ...status, failures: status.failures + 1 }
      log.error({ task: TASK, ...errorCodes(error) }, 'the log could not be published')
      throw error
    }
  }
  /** Another node is at it, which is as it should be, unless it has been for too long. */
  async function lookAtOther(): Promise<void> {
    const blocked = await freeSequencer?.()
    if (!blocked) return
    const { publishedAgo = 0, heldFor = 0, ended } = blocked
    const told = { task: TASK, ms: Math.round(Math.max(publishedAgo, heldFor)) }
    if (ended)
      log.error({ ...told, code: 'sequencer_ended' }, 'a stuck tick of another node was ended')
    if (told.ms <= STALLED_TICKS * tick) return
    status = { ...status, stalledFor: told.ms }
    log.error({ ...told, code: 'log_stalled' }, 'the log does not grow')
  }
  function statusAfter(sequenced: Sequenced): SequencerStatus {
    const { fault: _, stalledFor: __, ...before } = status
    if (sequenced.state === 'refused') return { ...before, fault: sequenced.fault, failures: 0 }
    if (sequenced.state === 'published')
      return { goodAt: timers.now(), treeSize: sequenced.size, failures: 0 }
    // Somebody published a moment ago, so all is well; who holds the lock may just be refusing.
    if (sequenced.why === 'too_soon') return { ...before, goodAt: timers.now(), failures: 0 }
    return { ...status, failures: 0 }
  }

  const ticker = makeTicker({ interval: tick, task: run, timers })
  return {
    start: ticker.start,
    stop: ticker.stop,
    tickNow: ticker.runNow,
    status: () => status,
  }
}
