/** Witnesses of the demo's log: the real program, on keys of their own. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import { initWitness, startWitness, type WitnessProcess } from '../support/witness-process.ts'

/** Two officers who keep watch on the log from machines of their own. */
export interface Watch {
  /** What the server is told of them: a line each. */
  readonly lines: string
  readonly vkeys: readonly string[]
  /** Starts both; they trust this log and no other. */
  begin(logVkey: string): Promise<void>
  end(): Promise<void>
}

const WITNESSES = ['witness.police.example', 'witness.lighthouse.example']

/** Makes their keys, before there is a log to watch. */
export async function makeWatch(directory: string): Promise<Watch> {
  await rm(directory, { recursive: true, force: true })
  const made = await Promise.all(
    WITNESSES.map(async (name) => {
      const folder = join(directory, name)
      const [vkey, port] = await Promise.all([initWitness(folder, name), freePort()])
      return { folder, vkey, listen: `127.0.0.1:${port}` }
    }),
  )
  let running: readonly WitnessProcess[] = []
  return {
    lines: made.map(({ vkey, listen }) => `${vkey} http://${listen}`).join('\n'),
    vkeys: made.map(({ vkey }) => vkey),
    async begin(logVkey) {
      running = await Promise.all(
        made.map(({ folder, listen }) => startWitness(folder, [logVkey], listen)),
      )
    },
    async end() {
      await Promise.all(running.map((witness) => witness.end()))
    },
  }
}
