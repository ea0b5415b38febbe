import { randomBytes } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import { decodeBase64, encodeBase64 } from '../domain/log/base64.ts'
import {
  ED25519_COSIGNATURE,
  formatVkey,
  isKeyName,
  type NoteKey,
  verifierKey,
} from '../domain/log/vkey.ts'
import { WitnessFailure } from './failure.ts'

/** What every encoded private key begins with (golang.org/x/mod/sumdb/note has the same form). */
const PREFIX = 'PRIVATE+KEY+'

/** A witness's key, as it signs and as others know it. */
export interface WitnessKey {
  readonly key: NoteKey
  readonly vkey: string
}

/**
 * Makes a key and writes it, readable for its owner alone; never over another one.
 *
 * @throws WitnessFailure when there is one already, or the name cannot be one
 */
export async function createKeyFile(path: string, name: string): Promise<WitnessKey> {
  if (!isKeyName(name) || name.length > 200)
    throw new WitnessFailure(
      'the name of a witness has no spaces and no plus signs, for example witness.agency.example/log',
    )
  const key: NoteKey = { name, seed: new Uint8Array(randomBytes(32)) }
  const { keyId } = verifierKey(key, ED25519_COSIGNATURE)
  const material = encodeBase64(Uint8Array.of(ED25519_COSIGNATURE, ...key.seed))
  const file = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw cause
    throw new WitnessFailure(`${path} is there already; a witness keeps its key`, { cause })
  })
  try {
    await file.writeFile(`${PREFIX}${name}+${keyId}+${material}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  return witnessKey(key)
}

/**
 * Reads a key.
 *
 * @throws WitnessFailure when it is missing, damaged, or others may read it
 */
export async function readKeyFile(path: string): Promise<WitnessKey> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new WitnessFailure(`${path} cannot be read`, { cause })
  })
  const { mode } = await stat(path)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new WitnessFailure(`others may read the key: run chmod 600 ${path}`)
  const [, name = '', id = '', base64 = ''] =
    /^PRIVATE\+KEY\+([^+]*)\+([0-9a-f]{8})\+(.*)\n$/.exec(text) ?? []
  const material = decodeBase64(base64)
  if (!isKeyName(name) || material?.length !== 33 || material[0] !== ED25519_COSIGNATURE)
    throw new WitnessFailure(`${path} is damaged: it does not hold a key of a witness`)
  const read = witnessKey({ name, seed: material.slice(1) })
  if (!read.vkey.startsWith(`${name}+${id}+`))
    throw new WitnessFailure(`${path} is damaged: the key is not the one that its id names`)
  return read
}

function witnessKey(key: NoteKey): WitnessKey {
  return { key, vkey: formatVkey(verifierKey(key, ED25519_COSIGNATURE)) }
}
