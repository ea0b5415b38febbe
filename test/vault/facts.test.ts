// Facts of a decision open under all keys together, and under nothing less.
import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { OwnedKey } from '../../src/vault/facts.ts'
import { testVault } from '../support/vault.ts'

const { vault } = await testVault()
const person = randomUUID()
const keyAt = (agencyId: string): OwnedKey => {
  const owner = { ownerId: person, agencyId }
  return { ...owner, key: { wrapped: vault.createSubjectKey(owner, 1), epoch: 1 } }
}
const asker = keyAt(randomUUID())
const sources = [keyAt(randomUUID()), keyAt(randomUUID())]
const all = [asker, ...sources]
const ref = { disclosureId: randomUUID() }
const facts = Uint8Array.of(1, 2, 3, 0x80, 0, 0)
const sealed = vault.sealFacts(ref, asker, [...sources, ...sources, asker], facts)
const keysOf =
  (keys: readonly OwnedKey[]) =>
  ({ agencyId }: { agencyId: string }) =>
    keys.find((one) => one.agencyId === agencyId)?.key ?? null

t.test('they open as they were sealed', async (t) => {
  const opened = vault.openFacts(ref, keysOf(all), sealed)
  t.ok(opened.opened && Buffer.from(opened.value).equals(facts))
  const empty = vault.sealFacts(ref, asker, [], Uint8Array.of())
  const nothing = vault.openFacts(ref, keysOf([asker]), empty)
  t.ok(nothing.opened && nothing.value.length === 0)
})

t.test('one destroyed key is enough, whichever it is', async (t) => {
  for (const gone of all)
    t.match(vault.openFacts(ref, keysOf(all.filter((one) => one !== gone)), sealed), {
      opened: false,
      failure: 'key_destroyed',
    })
})

t.test('another decision, another key or altered bytes do not open', async (t) => {
  const other = { disclosureId: randomUUID() }
  t.match(vault.openFacts(other, keysOf(all), sealed), { opened: false, failure: 'key_broken' })
  const forged = keysOf([{ ...asker, key: keyAt(asker.agencyId).key }, ...sources])
  t.match(vault.openFacts(ref, forged, sealed), { opened: false, failure: 'key_broken' })
  for (let at = 0; at < sealed.length; at++) {
    const altered = Buffer.from(sealed)
    altered[at] = (altered[at] ?? 0) ^ 1
    if (vault.openFacts(ref, keysOf(all), altered).opened)
      t.fail(`byte ${at} was altered unnoticed`)
    const cut = vault.openFacts(ref, keysOf(all), sealed.subarray(0, at))
    if (cut.opened) t.fail(`cut at ${at} and opened`)
  }
})

t.test(
  'a source whose key does not open is left out; without the asker’s nothing is sealed',
  async (t) => {
    const broken = { ...keyAt(randomUUID()), key: sources[0]!.key }
    const without = vault.sealFacts(ref, asker, [broken], facts)
    t.ok(vault.openFacts(ref, keysOf([asker]), without).opened)
    t.throws(() => vault.sealFacts(ref, { ...asker, key: broken.key }, [], facts))
  },
)
