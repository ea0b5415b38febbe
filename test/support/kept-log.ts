import type { Test } from 'tap'
import { decodeBundle } from '../../src/domain/log/bundle.ts'
import { decodeEntry } from '../../src/domain/log/entry.ts'
import { ed25519PublicKey } from '../../src/domain/log/hash.ts'
import { type EventPart, fullReceiptJson, receiptJson } from '../../src/domain/log/receipt.ts'
import { inclusionProof, tilesForInclusion } from '../../src/domain/log/tree.ts'
import { logKeyContext, makeLogKeys } from '../../src/services/log-keys.ts'
import { rotateLogKey } from '../../src/services/rotate-log-key.ts'
import { insertKeyEpoch } from '../../src/storage/key-epochs.ts'
import * as log from '../../src/storage/log.ts'
import * as logKeys from '../../src/storage/log-keys.ts'
import * as serverKeys from '../../src/storage/server-keys.ts'
import { formatKeyEncryptionKey } from '../../src/vault/key-file.ts'
import { type LogNode, ORIGIN, startLogNode } from './log-node.ts'
import { testVault } from './vault.ts'

/** A log whose key is kept as a server keeps it. */
export async function keptNode(t: Test) {
  const node = await startLogNode()
  t.teardown(() => node.close())
  const { keyRing, keys } = await testVault([1])
  const seal = (plain: Uint8Array, context: string) => keyRing.sealSecret(plain, context)
  await node.owner.transaction().execute(async (tx) => {
    await insertKeyEpoch(tx, { epoch: 1, checkValue: keyRing.checkValue(1) })
    const { sealed, epoch } = seal(node.key.seed, logKeyContext('first'))
    const x = Buffer.from(ed25519PublicKey(node.key.seed)).toString('base64url')
    const now = new Date()
    await serverKeys.insertServerKey(tx, {
      kid: 'first',
      purpose: 'log',
      sealedPrivate: sealed,
      publicKey: { vkey: node.vkey, x },
      keyEpoch: epoch,
      createdAt: now,
      signsFrom: now,
      signsUntil: null,
      publishedUntil: null,
    })
    await logKeys.enterFirstLogKey(tx)
    await logKeys.enterFirstLogKey(tx)
  })
  const keysOfNode = (db = node.app) =>
    makeLogKeys({
      db,
      storage: logKeys,
      open: (secret, context) => keyRing.openSecret(secret, context),
    })
  const rotate = (options: { overlap?: number; compromised?: boolean } = {}) =>
    node.owner.transaction().execute((tx) =>
      rotateLogKey(
        tx,
        {
          storage: { log, logKeys, serverKeys },
          seal,
          recordEvent: node.recordEvent,
          runtime: node.runtime,
        },
        options,
      ),
    )
  const environment = {
    DATABASE_URL: node.database.url,
    OSTIARY_KEY_ENCRYPTION_KEY: formatKeyEncryptionKey(1, keys.get(1)!),
    OSTIARY_LOG_ORIGIN: ORIGIN,
  }
  return { node, keysOfNode, rotate, environment }
}

/** Every checkpoint that was ever signed, by size. */
export const checkpointsOf = async ({ owner }: LogNode) =>
  (await owner.selectFrom('log_checkpoint').select(['size', 'note']).orderBy('size').execute()).map(
    ({ size, note }) => ({ size: Number(size), note }),
  )

/** A receipt as `GET …/proof` gives it, under the newest checkpoint; opening both parts if asked. */
export async function receiptOf(node: LogNode, eventId: string, full = false) {
  const { owner } = node
  const event = await owner
    .selectFrom('audit_event')
    .innerJoin('audit_salt', 'event_id', 'id')
    .innerJoin('log_position', 'log_position.event_id', 'id')
    .select(['public_part', 'public_salt', 'private_part', 'private_salt', 'leaf_index'])
    .where('id', '=', eventId)
    .executeTakeFirstOrThrow()
  const checkpoint = (await log.findNewestCheckpoint(owner))!
  const leafIndex = Number(event.leaf_index)
  const bundle = (await log.readBundle(owner, Math.floor(leafIndex / 256)))!
  const entry = decodeBundle(bundle.bytes, bundle.width)![leafIndex % 256]!
  const tiles = await log.readTiles(owner, tilesForInclusion(leafIndex, checkpoint.size))
  const receipt = {
    publicPart: JSON.parse(event.public_part) as EventPart,
    publicSalt: event.public_salt,
    privateCommitment: decodeEntry(entry)!.private,
    leafIndex,
    treeSize: checkpoint.size,
    inclusion: inclusionProof(leafIndex, checkpoint.size, tiles),
    checkpoint: checkpoint.note,
  }
  if (!full) return receiptJson(receipt)
  const privatePart = JSON.parse(event.private_part) as EventPart
  return fullReceiptJson({ ...receipt, privatePart, privateSalt: event.private_salt })
}
