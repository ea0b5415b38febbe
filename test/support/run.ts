import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, globSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startTestCluster } from './cluster.ts'

/**
 * `npm test [-- files or folders…]`: one PostgreSQL for the run, tap over it, tap's totals in plain words at the end. Exits with
 * tap's code, and with 1 when no test ran or the totals could not be read.
 */
const root = fileURLToPath(new URL('../..', import.meta.url))
const tap = fileURLToPath(new URL('../../node_modules/tap/dist/esm/run.mjs', import.meta.url))

/** Long enough for a laden machine; tap's own 30 s are for one file. */
const FILE_TIMEOUT_S = 180

type Totals = { total: number; pass: number; fail: number; skip: number; todo: number }
type Ended = { code: number; output: string }

/** Runs tap to its end, passing its output on; a signal to this process ends it too. */
async function runTap(args: string[], env: NodeJS.ProcessEnv, stop: AbortSignal): Promise<Ended> {
  const child = spawn(process.execPath, [tap, ...args], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const onStop = () => void terminate(child)
  stop.addEventListener('abort', onStop)
  if (stop.aborted) onStop()
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    process.stdout.write(chunk)
    output = (output + chunk.toString()).slice(-20_000)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

async function terminate(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  setTimeout(() => child.kill('SIGKILL'), 5_000).unref()
}

/** tap's last line of the form `# { total: 25, pass: 24, fail: 1 }`; names that are 0 are left out of it. */
function readTotals(output: string): Totals | undefined {
  const inner = [...output.matchAll(/^# \{ (total: .*) \}$/gm)].at(-1)?.[1]
  if (!inner) return undefined
  const counts = new Map(
    inner.split(', ').map((part) => {
      const [name, count] = part.split(': ')
      return [name, Number(count)] as const
    }),
  )
  const of = (name: string) => counts.get(name) ?? 0
  return {
    total: of('total'),
    pass: of('pass'),
    fail: of('fail'),
    skip: of('skip'),
    todo: of('todo'),
  }
}

function report({ total, pass, fail, skip, todo }: Totals): void {
  const lines = [`# tests ${total}`, `# pass ${pass}`, `# fail ${fail}`, `# skip ${skip}`]
  if (todo > 0) lines.push(`# todo ${todo}`)
  const skipped = skip > 0 ? `, ${skip} skipped` : ''
  console.log([...lines, `${pass} passed, ${fail} failed${skipped}`].join('\n'))
}

/** Test files in the place of a folder, which tap does not take. */
function filesOf(path: string): string[] {
  if (!statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory()) return [path]
  return globSync(join(path, '**/*.test.ts'), { cwd: root }).sort()
}

async function main(paths: string[]): Promise<number> {
  const files = paths.flatMap(filesOf)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stop.abort(signal))
  }
  // tap's test class is generated; without it the first run would still be one with all of tap's own plugins.
  if (!existsSync(new URL('../../.tap/plugins', import.meta.url))) {
    const built = await runTap(['build'], process.env, stop.signal)
    if (built.code !== 0) return built.code
  }
  const cluster = await startTestCluster()
  let ended: Ended
  try {
    const options = [`--jobs=${availableParallelism()}`, `--timeout=${FILE_TIMEOUT_S}`]
    ended = await runTap(
      ['--reporter=tap', ...options, ...files],
      { ...process.env, OSTIARY_TEST_PG: cluster.url },
      stop.signal,
    )
  } finally {
    await cluster.stop()
  }

  const totals = readTotals(ended.output)
  if (!totals) console.error("tap's totals could not be read")
  report(totals ?? { total: 0, pass: 0, fail: 1, skip: 0, todo: 0 })
  if (stop.signal.aborted) return 130
  if (ended.code !== 0) return ended.code
  if (!totals || totals.fail > 0) return 1
  if (totals.pass > 0) return 0
  console.error('no test ran')
  return 1
}

process.exitCode = await main(process.argv.slice(2))
