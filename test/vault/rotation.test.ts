import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, PostgresDialect, sql } from 'kysely'
import t, { type Test } from 'tap'
import {
  makeRotateKeyEncryptionKey,
  type RotateKeyEncryptionKey,
  type RotationDependencies,
} from '../../src/services/rotate-key-encryption-key.ts'
import { makeRecordEvent } from '../../src/services/record-event.ts'
import { createTokenKey, sealingContext } from '../../src/services/server-keys.ts'
import * as auditEvents from '../../src/storage/audit-events.ts'
import type { Database, Tables, Tx } from '../../src/storage/database.ts'
import * as epochs from '../../src/storage/key-epochs.ts'
import { createPool } from '../../src/storage/pool.ts'
import * as serverKeys from '../../src/storage/server-keys.ts'
import * as subjectKeys from '../../src/storage/subject-keys.ts'
import { transactions } from '../../src/storage/transaction.ts'
import type { KeyOwner } from '../../src/vault/associated-data.ts'
import type { KeyRing } from '../../src/vault/key-ring.ts'
import type { SealedRecord } from '../../src/vault/sealed-record.ts'
import type { Vault } from '../../src/vault/vault.ts'
import { RUNTIME } from '../../src/wire/runtime.ts'
import { createTestDatabase } from '../support/database.ts'
import { recordRef, release, sealedRecord, testVault } from '../support/vault.ts'

interface World {
  readonly owner: Database
  readonly app: Database
  readonly keyRing: KeyRing
  readonly vault: Vault
  readonly agencyId: string
  readonly caseId: string
  /** Makes the key of one person at the agency, in a transaction of its own as the app. */
  ensureKey(ownerId: string): Promise<subjectKeys.WrappedKey>
  rotation(options?: Partial<RotationDependencies>): RotateKeyEncryptionKey
}

/** A database under epoch 1, with one agency and one case; keys for the epochs 1, 2 and 3 are at hand. */
async function createWorld(t: Test): Promise<World> {
  const database = await createTestDatabase()
  const connect = (role?: string): Database => {
    const pool = createPool({ url: database.url, max: 5, ...(role ? { role } : {}) })
    return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  }
  const [owner, app, worker] = [connect(), connect('ostiary_app'), connect('ostiary_worker')]
  t.teardown(async () => {
    await Promise.all([owner.destroy(), app.destroy(), worker.destroy()])
    await database.drop()
  })
  const { keyRing, vault } = await testVault([1, 2, 3])
  await owner.transaction().execute(async (tx) => {
    await epochs.insertKeyEpoch(tx, { epoch: 1, checkValue: keyRing.checkValue(1) })
  })
  const agencyId = await addAgency(owner)
  const caseId = randomUUID()
  await owner.insertInto('case_file').values({ id: caseId, created_by: agencyId }).execute()
  const transact = transactions(app)
  const recordEvent = makeRecordEvent({
    storage: auditEvents,
    runtime: RUNTIME,
    origin: 'log.example',
  })
  return {
    owner,
    app,
    keyRing,
    vault,
    agencyId,
    caseId,
    ensureKey: (ownerId) =>
      transact(agencyId, (tx) =>
        subjectKeys.ensureSubjectKey(tx, { ownerId, agencyId, caseId }, (epoch) =>
          vault.createSubjectKey({ ownerId, agencyId }, epoch),
        ),
      ),
    rotation: (options = {}) =>
      makeRotateKeyEncryptionKey({
        db: worker,
        storage: { epochs, subjectKeys, serverKeys },
        keyRing,
        recordEvent,
        runtime: { now: () => new Date() },
        settle: async () => {},
        batch: 10,
        ...options,
      }),
  }
}

async function addAgency(owner: Database): Promise<string> {
  const id = randomUUID()
  await owner
    .insertInto('agency')
    .values({
      id,
      client_id: id,
      name: 'Lighthouse',
      sector: 'victim_support',
      country: 'HR',
      public: false,
      phases: [],
      competent_authority: false,
      jwks: JSON.stringify({ keys: [] }),
      contacts: '[]',
      scopes: [],
    } as never)
    .execute()
  return id
}

/** The keys as the database has them now, with the bare key inside each. */
async function allKeys({ owner, keyRing }: World) {
  const rows = await owner.selectFrom('subject_key').selectAll().execute()
  return rows.map(({ owner_id: ownerId, agency_id: agencyId, wrapped, key_epoch: epoch }) => {
    const key = keyRing.unwrapSubjectKey({ wrapped, epoch }, { ownerId, agencyId })
    return { ownerId, epoch, key: Buffer.from(key).toString('hex') }
  })
}

const epochsOf = async (world: World) => new Set((await allKeys(world)).map(({ epoch }) => epoch))
const state = async ({ owner }: World) =>
  (await epochs.listKeyEpochs(owner)).map(
    ({ epoch, retired }) => `${epoch}${retired ? ' retired' : ''}`,
  )

/** Polls until a session of the database waits for a lock. */
async function untilSomebodyWaits({ owner }: World): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const { rows } = await sql`select from pg_locks where not granted`.execute(owner)
    if (rows.length > 0) return
    await sleep(10)
  }
  throw new Error('nobody waits for a lock')
}

t.test(
  'rotation while two connections insert: nothing is lost, nothing stays behind',
  async (t) => {
    const world = await createWorld(t)
    const { app, vault, agencyId, caseId } = world
    const made = new Map<string, string>()
    const keep = async () => {
      for (const { ownerId, key } of await allKeys(world)) {
        if (made.has(ownerId) && made.get(ownerId) !== key) t.fail('a key has changed')
        made.set(ownerId, key)
      }
    }
    for (let index = 0; index < 35; index++) await world.ensureKey(randomUUID())
    await keep()

    const inserting = { on: true, committed: [] as string[], refused: 0 }
    const transact = transactions(app)
    const insert = async () => {
      while (inserting.on) {
        const ownerId = randomUUID()
        try {
          await transact(agencyId, async (tx) => {
            await subjectKeys.ensureSubjectKey(tx, { ownerId, agencyId, caseId }, (epoch) =>
              vault.createSubjectKey({ ownerId, agencyId }, epoch),
            )
            // Holds the epoch that it read for a while, as a slow deposit would.
            if (inserting.committed.length % 3 === 0) await sleep(5)
          })
          inserting.committed.push(ownerId)
        } catch (error) {
          if ((error as { code?: string }).code !== '40001') throw error
          inserting.refused++
        }
      }
    }
    const inserters = [insert(), insert()]
    await sleep(50)
    const second = await world.rotation()(2)
    await keep()
    await sleep(50)
    const third = await world.rotation()(3)
    const told = await world.owner
      .selectFrom('audit_event')
      .select(['type', 'public_part'])
      .orderBy('at')
      .execute()
    t.match(
      told.map(({ type, public_part: part }) => ({ type, ...JSON.parse(part) })),
      [
        { type: 'key.created', purpose: 'encryption', epoch: 2 },
        { type: 'key.rotated', purpose: 'encryption', epoch: { from: 1, to: 2 } },
        { type: 'key.created', purpose: 'encryption', epoch: 3 },
        { type: 'key.rotated', purpose: 'encryption', epoch: { from: 2, to: 3 } },
      ],
    )
    await sleep(50)
    inserting.on = false
    await Promise.all(inserters)
    await keep()

    t.ok(inserting.committed.length > 20, `${inserting.committed.length} inserted meanwhile`)
    t.comment(`${inserting.refused} refused and to be repeated`)
    const kept = new Set((await allKeys(world)).map(({ ownerId }) => ownerId))
    t.same(
      inserting.committed.filter((ownerId) => !kept.has(ownerId)),
      [],
      'what was committed is there',
    )
    t.same([...(await epochsOf(world))], [3], 'all under the newest epoch')
    t.same(second.retired, [1])
    t.same(third.retired, [2])
    t.ok(second.rewrapped >= 35 && third.rewrapped >= second.rewrapped)
    t.same(await state(world), ['1 retired', '2 retired', '3'])
  },
)

t.test('an epoch is not retired before the transactions that use it have ended', async (t) => {
  const world = await createWorld(t)
  const { app, vault, agencyId, caseId } = world
  const ownerId = randomUUID()
  const gate = Promise.withResolvers<void>()
  const wrapped = Promise.withResolvers<void>()
  const slow = transactions(app)(agencyId, async (tx) => {
    await subjectKeys.ensureSubjectKey(tx, { ownerId, agencyId, caseId }, (epoch) =>
      vault.createSubjectKey({ ownerId, agencyId }, epoch),
    )
    wrapped.resolve()
    await gate.promise
  })
  await wrapped.promise
  const rotating = world.rotation()(2)
  await untilSomebodyWaits(world)
  t.same(await state(world), ['1', '2'], 'the new one is current, the old one still there')
  const meanwhile = await world.ensureKey(randomUUID())
  t.equal(meanwhile.epoch, 2, 'new keys go under the new epoch at once')
  gate.resolve()
  await slow
  t.match(await rotating, { rewrapped: 1, unreadable: 0, retired: [1] })
  t.same([...(await epochsOf(world))], [2])
})

t.test('who read the epoch before its retirement and wraps after it is refused', async (t) => {
  const world = await createWorld(t)
  const { app, owner, vault, agencyId, caseId } = world
  const late = { ownerId: randomUUID(), agencyId }
  const insertLate = (tx: Tx, epoch: number) =>
    tx
      .insertInto('subject_key')
      .values({
        owner_id: late.ownerId,
        agency_id: agencyId,
        case_id: caseId,
        key_epoch: epoch,
        wrapped: Buffer.from(vault.createSubjectKey(late, epoch)),
      })
      .execute()
  const lost = transactions(app)(agencyId, async (tx) => {
    const epoch = await epochs.currentKeyEpoch(tx)
    await world.rotation()(2)
    await insertLate(tx, epoch)
  })
  await t.rejects(lost, { code: '40001' })
  t.same(await allKeys(world), [])
  t.equal((await world.ensureKey(late.ownerId)).epoch, 2, 'and succeeds when repeated')

  const rename = owner.updateTable('subject_key').set({ key_epoch: 1 }).execute()
  await t.rejects(rename, { code: '40001' }, 'nor can a key be moved back')
  const unknown = owner.transaction().execute((tx) => insertLate(tx, 9))
  await t.rejects(unknown, 'nor put under an epoch that is not there')
})

t.test('two nodes that meet a person at once make one key', async (t) => {
  const world = await createWorld(t)
  for (let round = 0; round < 25; round++) {
    const ownerId = randomUUID()
    const [one, two] = await Promise.all([world.ensureKey(ownerId), world.ensureKey(ownerId)])
    if (!Buffer.from(one.wrapped).equals(two.wrapped)) return t.fail('two different keys')
  }
  t.equal((await allKeys(world)).length, 25)
})

t.test('a key that does not open keeps its epoch alive until it is repaired', async (t) => {
  const world = await createWorld(t)
  for (let index = 0; index < 25; index++) await world.ensureKey(randomUUID())
  const victim = (await world.owner.selectFrom('subject_key').selectAll().executeTakeFirst())!
  const altered = Buffer.from(victim.wrapped)
  altered[40]! ^= 1
  const write = (wrapped: Buffer) =>
    world.owner
      .updateTable('subject_key')
      .set({ wrapped })
      .where('owner_id', '=', victim.owner_id)
      .execute()
  await write(altered)
  t.same(await world.rotation()(2), { epoch: 2, rewrapped: 24, unreadable: 1, retired: [] })
  t.same(await state(world), ['1', '2'])
  await write(victim.wrapped)
  t.same(await world.rotation()(2), { epoch: 2, rewrapped: 1, unreadable: 0, retired: [1] })
  t.equal((await allKeys(world)).length, 25)
  t.same(await world.rotation()(2), { epoch: 2, rewrapped: 0, unreadable: 0, retired: [] }, 'again')
})

t.test('two rotations at once do the work of one', async (t) => {
  const world = await createWorld(t)
  for (let index = 0; index < 45; index++) await world.ensureKey(randomUUID())
  const before = (await allKeys(world)).map(({ key }) => key).sort()
  const [one, two] = await Promise.all([world.rotation()(2), world.rotation()(2)])
  t.equal(one.rewrapped + two.rewrapped, 45)
  t.same(await state(world), ['1 retired', '2'])
  t.same((await allKeys(world)).map(({ key }) => key).sort(), before)
})

t.test('rotation refuses wrong keys and older epochs', async (t) => {
  const world = await createWorld(t)
  const other = await testVault([1, 2])
  await t.rejects(world.rotation({ keyRing: other.keyRing })(2), /key of epoch 1 is wrong/)
  await t.rejects(world.rotation()(4), { name: 'KeyUnavailable', epoch: 4 })
  t.same(await state(world), ['1'], 'nothing was begun')
  await world.rotation()(3)
  await t.rejects(world.rotation()(2), /newer epoch/)
  t.same(world.keyRing.check(await epochs.listKeyEpochs(world.owner)), [])
})

t.test('private keys of the server move along', async (t) => {
  const world = await createWorld(t)
  const { owner, keyRing } = world
  const seal = (plain: Uint8Array, context: string) => keyRing.sealSecret(plain, context, 1)
  const deps = { storage: serverKeys, seal, now: new Date() }
  const { kid } = await owner.transaction().execute((tx) => createTokenKey(tx, deps))
  t.match(await world.rotation()(2), { rewrapped: 1, retired: [1] })
  const [stored] = await serverKeys.listServerKeys(owner, 'token')
  t.equal(stored!.keyEpoch, 2)
  const secret = { sealed: stored!.sealedPrivate, epoch: 2 }
  const jwk = JSON.parse(Buffer.from(keyRing.openSecret(secret, sealingContext(kid))).toString())
  t.match(jwk, { kty: 'EC', kid, d: String })

  const worker = `set local role ostiary_worker; update server_key set public_key = '{}'`
  await t.rejects(sql.raw(worker).execute(owner), { code: '42501' }, 'the worker changes no more')
})

t.test(
  'deleting a subject key erases that person at that agency, also across a rotation',
  async (t) => {
    const world = await createWorld(t)
    const { owner, app, vault, caseId } = world
    const [ana, marko, agencies] = [
      randomUUID(),
      randomUUID(),
      [world.agencyId, await addAgency(owner)],
    ]
    const ensure = (owner: KeyOwner) =>
      transactions(app)(owner.agencyId, (tx) =>
        subjectKeys.ensureSubjectKey(tx, { ...owner, caseId }, (epoch) =>
          vault.createSubjectKey(owner, epoch),
        ),
      )
    const records: SealedRecord[] = []
    for (const ownerId of [ana, marko]) {
      for (const agencyId of agencies) {
        const ref = recordRef({ ownerId, agencyId, caseId })
        const subjectKey = await ensure(ref)
        records.push(sealedRecord(vault, ref, { safe_phone: '0142', alias: 'A' }, { subjectKey }))
      }
    }
    const outcome = async () => {
      const now = await Promise.all(
        records.map(async (record) => {
          const subjectKey = await transactions(app)(record.agencyId, (tx) =>
            subjectKeys.readSubjectKey(tx, record),
          )
          const verdicts = [release(record, 'safe_phone'), release(record, 'alias')]
          const values = [...vault.open(verdicts, [{ ...record, subjectKey }]).values()]
          return values.map((one) => (one.opened ? one.value : one.failure))
        }),
      )
      return now
    }
    const open = ['0142', 'A']
    t.same(await outcome(), [open, open, open, open])
    await owner
      .deleteFrom('subject_key')
      .where('owner_id', '=', ana)
      .where('agency_id', '=', agencies[0]!)
      .execute()
    const gone = ['key_destroyed', 'key_destroyed']
    t.same(await outcome(), [gone, open, open, open])
    t.match(await world.rotation()(2), { rewrapped: 3, retired: [1] })
    t.same(await outcome(), [gone, open, open, open])

    const foreign = await transactions(app)(agencies[1]!, (tx) =>
      subjectKeys.readSubjectKey(tx, { ownerId: marko, agencyId: agencies[0]! }),
    )
    t.equal(foreign, null, 'no agency reads the keys of another')
  },
)
