/**
 * Versions change while agencies ask, on two servers over one database: every decision is under exactly one
 * version, none under an old one after the new one has committed. What was first is read from the write-ahead log.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { loadConfig } from '../../src/config.ts'
import { wire } from '../../src/wire.ts'
import { AgencyClient, type Answer } from '../support/agency-client.ts'
import { deposit } from '../support/lakeside-case.ts'
import { type Administrator, administrator, approve } from '../support/policy-people.ts'
import { GUARD, rules, startSmall } from '../support/small-pack.ts'
import { CAST, expectStatus, fakeRuntime, startWorld } from '../support/world.ts'
import { openCommitOrder } from './commit-order.ts'
import { callerOf, freshKey, openNode } from './node.ts'
import { commitOf } from './race.ts'

t.setTimeout(600_000)

/** Versions that come into force while agencies ask; every other one releases. */
const VERSIONS = 6

const key = randomBytes(32).toString('base64')
const environment = { OSTIARY_KEY_ENCRYPTION_KEY: key }
const world = await startWorld({ environment })
const order = await openCommitOrder(world.databaseUrl)
const first = await startSmall(world.databaseUrl, world.clock.now())
const second = await wire(
  loadConfig({
    ...environment,
    DATABASE_URL: world.databaseUrl,
    OSTIARY_PORT: '0',
    OSTIARY_METRICS_PORT: '0',
    OSTIARY_PUBLIC_URL: world.origin,
    OSTIARY_LOG_LEVEL: 'silent',
    OSTIARY_RATE_LIMIT: '0',
    OSTIARY_SUBJECT_LIMIT: '0',
    OSTIARY_TIME_GRID: '0',
    OSTIARY_MAX_EVENT_LOOP_DELAY: '0',
  }),
  { runtime: fakeRuntime(world.clock).runtime, workers: false },
)
const addresses = [world.address, await second.listen()] as const
t.teardown(async () => {
  await Promise.all([second.close(), order.close()])
  await world.stop()
})

const police = await world.onboard(CAST.police, ['police_officer'])
const support = await world.onboard(CAST.support, ['vss_advocate'])
const opened = await expectStatus(
  201,
  police.call('police_officer', 'POST', '/v1/cases', {
    body: { actsFor: 'all', persons: [{ role: 'victim' }] },
  }),
)
const caseId: string = opened.body.id
const ana: string = opened.body.persons[0].id
await expectStatus(
  201,
  police.call('police_officer', 'POST', `/v1/cases/${caseId}/members`, {
    body: { agencyId: support.id, actsFor: 'victim' },
  }),
)
await deposit(world, { caseId }, police, 'police_officer', {
  type: 'incident',
  fields: { occurred_at: '2026-11-15T21:30:00Z', place_type: 'shared_home' },
  informant: 'PO',
})

const question = {
  caseId,
  subjectId: ana,
  purpose: 'referral' as const,
  fields: ['incident.occurred_at'],
}
const author = await administrator(world.operator)
const approver = await administrator(world.operator)

/** The same person at the other server. */
async function elsewhere(
  { id }: Administrator,
  address: string,
): Promise<Pick<Administrator, 'call'>> {
  const { clientId, privateJwk } = world.operator
  const { origin } = world
  const client = await AgencyClient.connect({ origin, clientId, privateJwk, reach: () => address })
  const practitioner = { id, role: 'org_admin' }
  return { call: (method, path, more = {}) => client.call(method, path, { practitioner, ...more }) }
}

t.test('one version per decision, on both servers, while versions change', async (t) => {
  const administrators = [author, await elsewhere(author, addresses[1])] as const
  const stop = new AbortController()
  const asked: { answer: Answer; from: number }[] = []
  const askers = addresses.map(async (address) => {
    const { clientId, privateJwk } = support
    const { origin } = world
    const client = await AgencyClient.connect({
      origin,
      clientId,
      privateJwk,
      reach: () => address,
    })
    const practitioner = { id: support.people.get('vss_advocate')!.id, role: 'vss_advocate' }
    while (!stop.signal.aborted) {
      const from = performance.now()
      const answer = await client.call('POST', '/v1/disclosures', {
        body: question,
        practitioner,
        idempotencyKey: randomUUID(),
      })
      asked.push({ answer, from })
      await sleep(20)
    }
  })
  const answered: { version: number; at: number }[] = []
  const releases = new Map([[first, true]])
  for (let i = 0; i < VERSIONS; i++) {
    const opens = i % 2 === 1
    const documents = [rules({ fields: opens ? 'incident/core' : 'incident.place_type' }), GUARD]
    const here = administrators[i % 2]!
    const there = administrators[(i + 1) % 2]!
    const body = { documents, suites: [] }
    const draft = await expectStatus(201, there.call('POST', '/v1/policies/drafts', { body }))
    await expectStatus(200, approve(approver, draft.body.id))
    const path = `/v1/policies/drafts/${draft.body.id}/activation`
    const { version } = (await expectStatus(200, here.call('POST', path))).body
    answered.push({ version, at: performance.now() })
    releases.set(version, opens)
    const told = await there.call('GET', '/v1/policies')
    t.equal(told.body.version, version, 'the other server says so at once')
  }
  await sleep(200)
  stop.abort()
  await Promise.all(askers)

  const commits = await order.read()
  const activations = new Map<number, bigint>()
  for (const version of releases.keys())
    if (version !== first)
      activations.set(
        version,
        await commitOf(order, commits, 'select xmin::text from policy_version where version = $1', [
          version,
        ]),
      )
  const seen = new Set<number>()
  let wrong = 0
  for (const { answer, from } of asked) {
    if (answer.status === 503 && answer.body.code === 'policy_changing') continue
    if (answer.status !== 201) throw new Error(answer.text)
    const { policy, fields, receipt } = answer.body
    seen.add(policy.version)
    const isReleased = fields[0]?.outcome === 'released'
    if (isReleased !== releases.get(policy.version)) wrong += 1
    // By when they were sent, and by what committed first.
    if (answered.some(({ version, at }) => at < from && version > policy.version)) wrong += 1
    const mine = await commitOf(
      order,
      commits,
      'select xmin::text from audit_event where id = $1',
      [receipt.eventId],
    )
    for (const [version, at] of activations) if (version > policy.version && at < mine) wrong += 1
    for (const [version, at] of activations) if (version === policy.version && at > mine) wrong += 1
  }
  t.comment(`${asked.length} disclosures under ${seen.size} of ${releases.size} versions`)
  t.equal(wrong, 0, 'each under exactly the version that was in force when it committed')
  t.ok(asked.length > 50 && seen.size > VERSIONS / 2, 'they met')
})

t.test('a decision is begun anew under the new version, three times at most', async (t) => {
  for (const { changes, expected } of [
    { changes: 0, expected: 'decided' },
    { changes: 1, expected: 'decided' },
    { changes: 9, expected: 'policy_changing' },
  ]) {
    // While the node reads a version, the next one comes into force.
    let left = changes
    let started = false
    const node = await openNode({
      ...{ url: world.databaseUrl, key, now: () => world.clock.now() },
      tamper: {
        app: async ({ text }, send) => {
          const result = await send()
          if (started && text.includes('from "policy_version"') && left-- > 0)
            await startSmall(world.databaseUrl, world.clock.now())
          return result
        },
      },
    })
    t.teardown(() => node.close())
    started = true
    const newest = await startSmall(world.databaseUrl, world.clock.now())
    const asking = node.discloseFields(callerOf(support, 'vss_advocate'), question, {
      kind: 'disclosure',
      idempotency: freshKey(),
    })
    if (expected === 'decided') t.equal((await asking).answer.policy.version, newest + changes)
    else await t.rejects(asking, { code: expected, statusCode: 503 })
    left = 0
  }
})

t.test('an idle node follows, and loads a version once however many ask', async (t) => {
  const reads: string[] = []
  let started = false
  const node = await openNode({
    ...{ url: world.databaseUrl, key, now: () => world.clock.now() },
    tamper: {
      app: ({ text }, send) => {
        if (started && text.includes('from "policy_version"')) reads.push(text)
        return send()
      },
    },
  })
  t.teardown(() => node.close())
  started = true
  const newest = await startSmall(world.databaseUrl, world.clock.now())
  const caller = callerOf(support, 'vss_advocate')
  const asking = Array.from({ length: 4 }, () =>
    node.discloseFields(caller, question, { kind: 'preview' }),
  )
  for (const { answer } of await Promise.all(asking)) t.equal(answer.policy.version, newest)
  t.equal(reads.length, 1)
  t.equal(await node.followPolicy(), false, 'there is nothing new')
  await startSmall(world.databaseUrl, world.clock.now())
  t.equal(await node.followPolicy(), true)
  t.equal(reads.length, 2)
  const { answer } = await node.discloseFields(caller, question, { kind: 'preview' })
  t.equal(answer.policy.version, newest + 1)
  t.equal(reads.length, 2, 'the decision finds it there')
})
