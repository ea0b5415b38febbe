/**
 * What a witness keeps, in a folder of its own:
 *
 *   key          its private key
 *   checkpoints  JSON: for each log the last checkpoint that it cosigned, with its own signature; sealed
 *                under the key, so that a part that is lost shows as well
 *   refused/     signed checkpoints that it would not cosign: evidence
 *   lock         see lock.ts
 *
 * A witness that forgets can be led to vouch for two histories. So what is missing, damaged or was
 * changed by somebody else is never made anew: the witness stops, and a person has to look.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hmacSha256, sha256 } from '../domain/log/hash.ts'
import { encodeBase64 } from '../domain/log/base64.ts'
import type { Checkpoint } from '../domain/log/checkpoint.ts'
import { openOwnNote } from '../domain/log/witness.ts'
import { replaceFile, syncFolder, WriteFailure } from './durable-file.ts'
import { WitnessFailure } from './failure.ts'
import { createKeyFile, readKeyFile, type WitnessKey } from './key-file.ts'
import { createStateLock, lockState, type StateLock } from './lock.ts'

/** A checkpoint that this witness cosigned. */
export interface Kept {
  readonly checkpoint: Checkpoint
  /** With the signatures of the log and the witness. */
  readonly note: string
}

/** The state of a running witness. Owned by one process, which changes it one request at a time. */
export interface WitnessState extends WitnessKey {
  /** By origin. */
  latest(origin: string): Kept | undefined
  all(): readonly Kept[]
  /**
   * Puts a cosigned checkpoint in the place of `expected`; when this resolves it is on the disk.
   *
   * @throws WriteFailure with nothing changed, WitnessFailure when the witness must stop
   */
  replace(expected: Kept | undefined, next: Kept): Promise<void>
  /** Keeps a signed checkpoint that was refused, as evidence; a hundred at most. */
  keepRefused(note: string): Promise<void>
  close(): void
}

const FORM = 1
const MOST_REFUSED = 100

const checkpointsIn = (directory: string) => join(directory, 'checkpoints')

/**
 * Makes the folder of a new witness; gives its verifier key.
 *
 * @throws WitnessFailure when there is a witness in it already
 */
export async function createState(directory: string, name: string): Promise<WitnessKey> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const others = (await readdir(directory)).filter((file) => file !== 'lock')
  if (others.length > 0)
    throw new WitnessFailure(`${directory} is not empty; a new witness needs a folder of its own`)
  const lock = createStateLock(directory)
  try {
    const made = await createKeyFile(join(directory, 'key'), name)
    await replaceFile(checkpointsIn(directory), format(made, new Map()))
    return made
  } finally {
    lock.release()
  }
}

/** What a witness has seen, without disturbing one that runs. */
export async function readState(
  directory: string,
): Promise<{ readonly vkey: string; readonly kept: readonly Kept[] }> {
  const own = await readKeyFile(join(directory, 'key'))
  const { logs } = await readCheckpoints(directory, own)
  return { vkey: own.vkey, kept: [...logs.values()] }
}

/**
 * Opens the folder for one running witness.
 *
 * @throws WitnessFailure when another process has it, or something in it is missing or damaged
 */
export async function openState(directory: string): Promise<WitnessState> {
  const lock = lockState(directory)
  try {
    const own = await readKeyFile(join(directory, 'key'))
    return stateOf(directory, lock, own, await readCheckpoints(directory, own))
  } catch (error) {
    lock.release()
    throw error
  }
}

interface Read {
  /** The file as it is. */
  readonly text: string
  readonly logs: ReadonlyMap<string, Kept>
}

function stateOf(directory: string, lock: StateLock, own: WitnessKey, read: Read): WitnessState {
  // Owned by the returned object; replaced as a whole, after the disk has it.
  let current = read
  return {
    ...own,
    latest: (origin) => current.logs.get(origin),
    all: () => [...current.logs.values()],
    async replace(expected, next) {
      const { origin } = next.checkpoint
      if (current.logs.get(origin) !== expected)
        throw new WitnessFailure('two requests changed the state at once')
      await demandUntouched(directory, current.text)
      const logs = new Map(current.logs).set(origin, next)
      const text = format(own, logs)
      try {
        await replaceFile(checkpointsIn(directory), text)
      } catch (error) {
        if (!(error instanceof WriteFailure) || !error.replaced) throw error
        throw new WitnessFailure('it is not certain what is on the disk; start the witness again', {
          cause: error,
        })
      }
      current = { text, logs }
    },
    keepRefused: (note) => keepRefused(join(directory, 'refused'), note),
    close: () => lock.release(),
  }
}

/** The lock keeps other witnesses away, but not whoever copies an old file over this one. */
async function demandUntouched(directory: string, text: string): Promise<void> {
  const path = checkpointsIn(directory)
  const now = await readFile(path, 'utf8').catch(() => undefined)
  if (now !== text)
    throw new WitnessFailure(`${path} was changed by somebody else while the witness ran`)
}

async function readCheckpoints(directory: string, own: WitnessKey): Promise<Read> {
  const path = checkpointsIn(directory)
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new WitnessFailure(`${path} cannot be read; without it the witness must not sign`, {
      cause,
    })
  })
  const damaged = (what: string) =>
    new WitnessFailure(`${path} is damaged: ${what}. Do not delete it; see docs/witness.md`)
  const content = parse(text)
  if (!content) throw damaged('it is not what a witness writes')
  if (content.witness !== own.vkey) throw damaged('it belongs to another key')
  const logs = new Map<string, Kept>()
  for (const note of content.notes) {
    const opened = openOwnNote(note, own.key)
    if (!opened.ok) throw damaged('a checkpoint in it does not have its own signature')
    if (logs.has(opened.value.origin)) throw damaged('it has two checkpoints of one log')
    logs.set(opened.value.origin, { checkpoint: opened.value, note })
  }
  // The seal over it all included.
  if (format(own, logs) !== text) throw damaged('it is not what this witness wrote')
  return { text, logs }
}

function format({ key, vkey }: WitnessKey, logs: ReadonlyMap<string, Kept>): string {
  const content = { form: FORM, witness: vkey, notes: [...logs.values()].map(({ note }) => note) }
  const seal = encodeBase64(hmacSha256(key.seed, JSON.stringify(content)))
  return `${JSON.stringify({ ...content, seal }, null, 2)}\n`
}

function parse(text: string): { witness: string; notes: string[] } | undefined {
  try {
    const { form, witness, notes } = JSON.parse(text) as Record<string, unknown>
    const fits =
      form === FORM &&
      typeof witness === 'string' &&
      Array.isArray(notes) &&
      notes.every((note) => typeof note === 'string')
    return fits ? { witness, notes } : undefined
  } catch {
    return undefined
  }
}

async function keepRefused(folder: string, note: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if ((await readdir(folder)).length >= MOST_REFUSED) return
  const name = Buffer.from(sha256(Buffer.from(note)).subarray(0, 8)).toString('hex')
  const path = join(folder, `${name}.checkpoint`)
  await writeFile(path, note, { flag: 'wx', mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await syncFolder(folder)
}
