import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Crypto } from '../crypto/sodium.ts'
import type { Database } from '../storage/database.ts'
import { listKeyEpochs } from '../storage/key-epochs.ts'
import { formatKeyEncryptionKey, parseKeyEncryptionKeys } from '../vault/key-file.ts'
import { type KeyRing, openKeyRing } from '../vault/key-ring.ts'

/** File of the key-encryption keys beside the embedded database; a server of your own gets them by configuration. */
const KEY_FILE = 'key-encryption-keys'

/**
 * The key-encryption keys: as configured, else from the file in the data directory. `create` makes
 * that file when it is missing, which only the embedded first run does: a new key where data already
 * lies under another one would be of no use.
 *
 * @throws Error when there is no key, or its text has another form
 */
export async function keyEncryptionKeys(
  config: Config,
  { create }: { readonly create: boolean },
): Promise<ReadonlyMap<number, Uint8Array>> {
  if (config.keyEncryptionKey !== undefined) return parseKeyEncryptionKeys(config.keyEncryptionKey)
  const path = join(config.dataDirectory, KEY_FILE)
  if (create) {
    await mkdir(config.dataDirectory, { recursive: true })
    const line = `${formatKeyEncryptionKey(1, randomBytes(32))}\n`
    // Fails, and leaves the file alone, when it is there already.
    await writeFile(path, line, { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    })
  }
  const text = await readFile(path, 'utf8').catch(() => {
    throw new Error(
      `there is no key-encryption key: set OSTIARY_KEY_ENCRYPTION_KEY, or let \`ostiary init\` make ${path}`,
    )
  })
  return parseKeyEncryptionKeys(text)
}

/**
 * The key ring over what the database says of its epochs.
 *
 * @throws Error that names every epoch whose key is missing or wrong
 */
export async function openCheckedKeyRing(
  crypto: Crypto,
  keys: ReadonlyMap<number, Uint8Array>,
  db: Database,
): Promise<KeyRing> {
  const epochs = await listKeyEpochs(db)
  const current = epochs.filter(({ retired }) => !retired).at(-1)?.epoch ?? Math.min(...keys.keys())
  const keyRing = openKeyRing(crypto, { keys, currentEpoch: current })
  const faults = keyRing.check(epochs)
  if (faults.length === 0) return keyRing
  const told = faults.map(({ epoch, fault }) => `epoch ${epoch} is ${fault}`).join(', ')
  throw new Error(`the key-encryption keys do not fit this database: ${told}`)
}
