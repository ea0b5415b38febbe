import { join } from 'node:path'
import type { Test } from 'tap'
import { initWitness, startWitness, type WitnessProcess } from './witness-process.ts'

/** A witness in a folder of its own, ended with the test. */
export async function witnessFor(t: Test, ...vkeys: string[]) {
  const directory = join(t.testdir({}), 'state')
  const vkey = await initWitness(directory, 'witness.example.org/w1')
  const running: WitnessProcess[] = []
  const start = async (logs: readonly string[] = vkeys) => {
    const witness = await startWitness(directory, logs)
    running.push(witness)
    return witness
  }
  t.teardown(() => Promise.all(running.map((one) => one.end('SIGKILL'))))
  return { directory, vkey, start }
}
