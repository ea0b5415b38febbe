/** Examines packs in threads of their own: few at once, each for a limited time and memory. */
import { Worker } from 'node:worker_threads'
import type { JsonSchema } from '../domain/catalogue/types.ts'
import type { Comparison, Examination } from '../domain/policy/examine-pack.ts'
import { OstiaryError } from '../errors.ts'
import type { PolicyExaminer } from '../services/policy-examiner.ts'
import type { PolicyTask } from './policy-thread.ts'

export interface ExaminerOptions {
  /** Record schemas of the catalogue; asked for once. */
  readonly schemas: () => readonly JsonSchema[]
  /** Milliseconds for one task. Default 2 min. */
  readonly timeLimit?: number
  /** MiB of memory for one task. Default 512. */
  readonly memory?: number
  /** Tasks that run at once, default 1, and those that may wait for them, default 8. */
  readonly atOnce?: number
  readonly waiting?: number
}

const THREAD = new URL('./policy-thread.ts', import.meta.url)

/**
 * Makes an examiner. Its work throws `draft_too_heavy` when it takes more time or memory than one task
 * may have, and `overloaded` when too many wait already.
 */
export function makePolicyExaminer(options: ExaminerOptions): PolicyExaminer {
  const { timeLimit = 120_000, memory = 512, atOnce = 1, waiting = 8 } = options
  // Owned by the returned object: who runs, and who waits for a turn.
  let running = 0
  const queue: (() => void)[] = []
  let schemas: readonly JsonSchema[] | undefined

  async function inTurn<Result>(work: PolicyTask['work']): Promise<Result> {
    if (running >= atOnce) {
      if (queue.length >= waiting)
        throw new OstiaryError('overloaded', { headers: { 'retry-after': '10' } })
      await new Promise<void>((resolve) => queue.push(resolve))
    } else running += 1
    try {
      schemas ??= options.schemas()
      return await runThread<Result>({ schemas, work }, { timeLimit, memory })
    } finally {
      // Whoever waits longest takes the place over.
      const next = queue.shift()
      if (next) next()
      else running -= 1
    }
  }

  return {
    examine: (pack) => inTurn<Examination>({ examine: pack }),
    compare: (before, after) => inTurn<Comparison>({ compare: { before, after } }),
    examineAgainst: (before, after) =>
      inTurn<{ examination: Examination; comparison: Comparison }>({
        examineAgainst: { before, after },
      }),
  }
}

async function runThread<Result>(
  task: PolicyTask,
  { timeLimit, memory }: { readonly timeLimit: number; readonly memory: number },
): Promise<Result> {
  const thread = new Worker(THREAD, {
    workerData: task,
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: memory },
  })
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<Result>((resolve, reject) => {
      timer = setTimeout(() => reject(new OstiaryError('draft_too_heavy')), timeLimit)
      thread.once('message', resolve)
      thread.once('error', (cause: Error & { code?: unknown }) => {
        const isTooBig = cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
        reject(isTooBig ? new OstiaryError('draft_too_heavy', { cause }) : cause)
      })
      thread.once('exit', () => reject(new Error('the thread ended without an answer')))
    })
  } finally {
    clearTimeout(timer)
    await thread.terminate()
  }
}
