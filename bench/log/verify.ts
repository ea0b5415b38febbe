/** How fast the whole log is verified from outside, and in how much memory. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { compared, measured } from '../measure.ts'
import type { RunOptions } from '../run.ts'
import { ROOT } from '../server-process.ts'
import type { LogPlace } from './place.ts'

const ROUNDS = 3

interface Verified {
  readonly entries: number
  readonly seconds: number
  /** Most that the process ever held. */
  readonly megabytes: number
}

export async function verifyCase(
  { small, large }: { readonly small: LogPlace; readonly large: LogPlace },
  { rounds = ROUNDS, print, say, signal }: RunOptions,
): Promise<void> {
  const found = { small: [] as Verified[], large: [] as Verified[] }
  for (let i = 0; i < Math.min(rounds, ROUNDS); i++) {
    found.small.push(await verify(small, signal))
    found.large.push(await verify(large, signal))
    const { entries, seconds, megabytes } = found.large.at(-1)!
    say(`verify: ${entries} entries in ${seconds.toFixed(1)} s, ${megabytes.toFixed(0)} MB`)
  }
  const entries = found.large[0]?.entries ?? 0
  print(
    measured(
      { bench: 'log', case: `verify ${entries} entries`, unit: 'entries/s', goal: '>= 50000' },
      found.large.map((one) => one.entries / one.seconds),
    ),
  )
  const megabytes = (all: readonly Verified[]) => all.map((one) => one.megabytes)
  print(
    compared(
      { bench: 'log', case: 'verify: memory of the process', unit: 'MB', goal: '<= 1.5 (flat)' },
      megabytes(found.large),
      megabytes(found.small),
    ),
  )
}

async function verify({ url, vkey }: LogPlace, signal: AbortSignal): Promise<Verified> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['bench/log/verify-process.ts', url, vkey],
    { cwd: ROOT, signal },
  )
  return JSON.parse(stdout) as Verified
}
