/**
 * `npm run bench -- <bench> [case]`: runs a bench of this folder and prints one JSON line per case on
 * standard output; what happens meanwhile goes to standard error. Exits with 1 when the bench could
 * not be run or its check failed; a goal that was missed is told, and is for the reader to judge.
 */
import { parseArgs } from 'node:util'
import type { Line } from './measure.ts'

/** What a file `bench/<name>.ts` exports. */
export interface Bench {
  /** Cases in the order in which they are run. `check`, where there is one, is always run first. */
  readonly cases: readonly string[]
  readonly run: (options: RunOptions) => Promise<void>
}

export interface RunOptions {
  readonly cases: ReadonlySet<string>
  /** Rounds per figure, if not the bench's own number. */
  readonly rounds?: number
  /** Folder for CPU profiles of the servers; none are written without it. */
  readonly profile?: string
  /** Takes the largest sizes as well, and as long as that takes. */
  readonly long?: boolean
  readonly print: (line: Line) => void
  readonly say: (text: string) => void
  /** Aborts on SIGINT and SIGTERM; the bench then stops what it started and rejects. */
  readonly signal: AbortSignal
}

const BENCHES: Readonly<Record<string, () => Promise<{ readonly bench: Bench }>>> = {
  disclosure: () => import('./disclosure.ts'),
  log: () => import('./log.ts'),
  pack: () => import('./pack.ts'),
  mutation: () => import('./mutation.ts'),
  policy: () => import('./policy.ts'),
  start: () => import('./start.ts'),
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      profile: { type: 'string' },
      long: { type: 'boolean', default: false },
    },
  })
  const [name = '', wanted] = positionals
  const load = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
  if (!load) throw new Error(`which bench? one of: ${Object.keys(BENCHES).join(', ')}`)
  const { bench } = await load()
  if (wanted !== undefined && !bench.cases.includes(wanted))
    throw new Error(`${name} has no case ${wanted}; it has: ${bench.cases.join(', ')}`)
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0 && rounds <= 100))
    throw new Error('--rounds takes a whole number from 1 to 100')
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)))
  await bench.run({
    cases: new Set(wanted === undefined ? bench.cases : [wanted]),
    ...(rounds === undefined ? {} : { rounds }),
    long: values.long,
    ...(values.profile === undefined ? {} : { profile: values.profile }),
    print: (line) => console.log(JSON.stringify(line)),
    say: (text) => console.error(text),
    signal: stop.signal,
  })
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error)
  process.exitCode = 1
}
