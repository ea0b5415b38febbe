/**
 * How long somebody waits who tries the server for the first time: from the start of the process on a
 * data directory that does not exist yet (database made, migrated, keys made, policies compiled) to
 * the first answered request.
 */
import { join } from 'node:path'
import { makeTestFolder, removeTestFolder } from '../test/support/cluster.ts'
import { measured } from './measure.ts'
import type { Bench, RunOptions } from './run.ts'
import { freePort, startServerProcess } from './server-process.ts'

const ROUNDS = 7

export const bench: Bench = { cases: ['cold'], run }

async function run({ rounds = ROUNDS, profile, print, say, signal }: RunOptions): Promise<void> {
  const folder = await makeTestFolder()
  const seconds: number[] = []
  try {
    // Each start has a folder of its own, and all are removed at the end: making a cluster where one
    // was removed just before is slower on ext4.
    for (let round = 0; round < rounds; round++) {
      const took = await coldStart(join(folder, String(round)), profile, signal)
      say(`cold start ${round + 1}: ${took.toFixed(2)} s`)
      seconds.push(took)
    }
  } finally {
    await removeTestFolder(folder)
  }
  print(measured({ bench: 'start', case: 'cold', unit: 's', goal: '<= 3' }, seconds))
}

async function coldStart(
  dataDirectory: string,
  profile: string | undefined,
  signal: AbortSignal,
): Promise<number> {
  const port = await freePort()
  const server = await startServerProcess({
    script: 'src/main.ts',
    port,
    environment: {
      OSTIARY_DATA_DIRECTORY: dataDirectory,
      OSTIARY_PORT: String(port),
      OSTIARY_METRICS_PORT: '0',
    },
    ...(profile === undefined ? {} : { node: ['--cpu-prof', `--cpu-prof-dir=${profile}`] }),
    signal,
  })
  await server.stop()
  return server.startedIn
}
