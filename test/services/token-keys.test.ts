// A node that has not heard of a key yet, and is just asking.
import t from 'tap'
import { createTokenKey } from '../../src/services/server-keys.ts'
import { openTokenKeys } from '../../src/services/token-keys.ts'
import type { Database, Tx } from '../../src/storage/database.ts'
import type { StoredServerKey } from '../../src/storage/server-keys.ts'

/** A new key as it would be stored, unsealed. */
async function makeKey(): Promise<StoredServerKey> {
  const kept: StoredServerKey[] = []
  await createTokenKey(undefined as unknown as Tx, {
    storage: {
      lockServerKeys: () => Promise.resolve(),
      listServerKeys: () => Promise.resolve([]),
      insertServerKey: (_tx, key) => Promise.resolve(void kept.push(key)),
      endServerKey: () => Promise.resolve(),
      deleteUnpublishedKeys: () => Promise.resolve(0n),
    },
    seal: (plain) => ({ sealed: Buffer.from(plain), epoch: 1 }),
  })
  const [key] = kept
  if (!key) throw new Error('no key was made')
  return key
}

t.test('a key that a poll under way brings is waited for, not refused', async (t) => {
  const stored = [await makeKey()]
  let answer = Promise.withResolvers<undefined>()
  answer.resolve(undefined)
  const keys = await openTokenKeys({
    db: undefined as unknown as Database,
    storage: {
      listServerKeys: async () => {
        const seen = [...stored]
        await answer.promise
        return seen
      },
    },
    open: ({ sealed }) => Buffer.from(sealed),
    pollMilliseconds: 3_600_000,
    onError: (error) => t.error(error),
  })
  t.teardown(() => keys.close())
  const added = await makeKey()
  stored.push(added)
  answer = Promise.withResolvers()
  const polling = keys.reload()
  const verifying = keys.verifying(added.kid)
  answer.resolve(undefined)
  await polling
  t.match(await verifying, 'BEGIN PUBLIC KEY')
  t.equal(await keys.verifying('unknown'), undefined, 'and one that nobody has stays unknown')
})
