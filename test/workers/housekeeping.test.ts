import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { escalationRole } from '../../src/domain/notice/escalation-role.ts'
import { makeAnnounceAgreementEnds } from '../../src/services/announce-agreement-ends.ts'
import type { Clock } from '../../src/services/clock.ts'
import { makeExtendAuditPartitions } from '../../src/services/extend-audit-partitions.ts'
import { makeForgetExpired } from '../../src/services/forget-expired.ts'
import { makeMarkOverdueReviews } from '../../src/services/mark-overdue-reviews.ts'
import { makeSettleDuties } from '../../src/services/settle-duties.ts'
import * as clocks from '../../src/storage/clocks.ts'
import type { Database, Tx } from '../../src/storage/database.ts'
import { decideTask } from '../../src/storage/disclosures.ts'
import { openDuties } from '../../src/storage/duties.ts'
import * as idempotency from '../../src/storage/idempotency.ts'
import * as locks from '../../src/storage/locks.ts'
import * as notices from '../../src/storage/notices.ts'
import * as oidcPayloads from '../../src/storage/oidc-payloads.ts'
import * as replayGuard from '../../src/storage/replay-guard.ts'
import { type Housekeeping, makeHousekeeping } from '../../src/workers/housekeeping.ts'
import type { LogContent } from '../../src/workers/worker-log.ts'
import { readWholeLog } from '../support/independent-verifier.ts'
import { type LogNode, startLogNode } from '../support/log-node.ts'
import { ManualTimers } from '../support/manual-timers.ts'

const HOUR = 3_600_000
/** S7: Marko dropped out on 16 November 2026 at 18:00. */
const DROPOUT = new Date('2026-11-16T18:00:00Z')
const after = (ms: number) => new Date(DROPOUT.getTime() + ms)

type Lines = [level: string, content: LogContent][]

function housekeepingOn(node: LogNode, db: Database, lines: Lines = []): Housekeeping {
  const { recordEvent, runtime } = node
  const write = (level: string) => (content: LogContent) => void lines.push([level, content])
  return makeHousekeeping({
    clocks: {
      forget_expired: makeForgetExpired({
        db,
        storage: { ...replayGuard, ...oidcPayloads, ...idempotency },
      }),
      extend_audit_partitions: makeExtendAuditPartitions({ db, storage: clocks }),
      mark_overdue_reviews: makeMarkOverdueReviews({
        db,
        storage: { ...clocks, ...notices },
        recordEvent,
        runtime,
      }),
      settle_duties: makeSettleDuties({
        db,
        storage: { ...clocks, ...locks, ...notices },
        recordEvent,
        runtime,
      }),
      announce_agreement_ends: makeAnnounceAgreementEnds({
        db,
        storage: { ...clocks, ...notices },
        recordEvent,
        runtime,
      }),
    },
    now: () => DROPOUT,
    timers: new ManualTimers(0),
    log: { info: write('info'), error: write('error'), fatal: write('fatal') },
  })
}

/** A case of Ana and Marko: programme, victim support and hospital work it. */
type Case = {
  caseId: string
  victim: string
  perpetrator: string
  programme: string
  support: string
  hospital: string
}

async function addCase({ owner }: LogNode): Promise<Case> {
  const sectors = {
    programme: 'perpetrator_programme',
    support: 'victim_support',
    hospital: 'hospital',
  }
  const sides = { programme: 'perpetrator', support: 'victim', hospital: 'victim' }
  const [caseId, victim, perpetrator] = [randomUUID(), randomUUID(), randomUUID()]
  const agencies = { programme: randomUUID(), support: randomUUID(), hospital: randomUUID() }
  for (const [name, id] of Object.entries(agencies))
    await sql`insert into agency (id, client_id, name, sector, country, public, jwks, scopes)
      values (${id}, ${id}, ${name}, ${sectors[name as keyof typeof sectors]}, 'SI', false, '{"keys": []}', '{}')`.execute(
      owner,
    )
  await sql`insert into case_file (id, created_by) values (${caseId}, ${agencies.support})`.execute(
    owner,
  )
  await sql`insert into case_person (id, case_id, roles, brought_by) values
    (${victim}, ${caseId}, '{victim}', ${agencies.support}),
    (${perpetrator}, ${caseId}, '{perpetrator_alleged}', ${agencies.programme})`.execute(owner)
  for (const [name, id] of Object.entries(agencies))
    await sql`insert into case_member (case_id, agency_id, acts_for, added_by)
      values (${caseId}, ${id}, ${sides[name as keyof typeof sides]}, ${id})`.execute(owner)
  return { caseId, victim, perpetrator, ...agencies }
}

/** A version of the programme's record about Marko in which `dropout_at` was set in version `setIn`. */
async function addRecord(
  { owner }: LogNode,
  { caseId, perpetrator, programme }: Case,
  version: { recordId: string; number: number; setIn: number },
): Promise<void> {
  const { recordId, number, setIn } = version
  const fields = JSON.stringify([
    { name: 'attendance_status', offset: 0, length: 40, setIn: number, provenance: 0 },
    { name: 'dropout_at', offset: 40, length: 40, setIn, provenance: 0 },
  ])
  await sql`insert into record (id, case_id, agency_id, subject_id, type, version)
    values (${recordId}, ${caseId}, ${programme}, ${perpetrator}, 'programme_engagement', ${number})
    on conflict (id) do update set version = ${number}`.execute(owner)
  await sql`insert into record_version (record_id, version, case_id, agency_id, subject_id, change, key_owner_id,
      wrapped_key, sealed, fields, provenance)
    values (${recordId}, ${number}, ${caseId}, ${programme}, ${perpetrator}, 'deposit', ${perpetrator}, '', '', ${fields}::jsonb, '[]')`.execute(
    owner,
  )
}

/** The programme owes it to victim support to tell of the drop-out within 24 h. */
async function addDuty(
  node: LogNode,
  of: Case,
  given: { escalateTo?: string; dueAt?: Date; notify?: { sector: string[] } } = {},
) {
  const duty = {
    id: randomUUID(),
    rule: 'D-dropout',
    caseId: of.caseId,
    subjectId: of.perpetrator,
    recordId: randomUUID(),
    field: 'programme_engagement.dropout_at',
    agencyId: of.programme,
    notify: { sector: ['victim_support'], role: ['partner_contact_worker'] },
    escalateTo: 'sender_admin',
    dueAt: after(24 * HOUR),
    ...given,
  }
  await addRecord(node, of, { recordId: duty.recordId, number: 1, setIn: 1 })
  await node.transact(of.programme, (tx) => openDuties(tx, [duty], DROPOUT))
  return duty
}

async function addRelease(
  db: Database,
  of: {
    caseId: string
    recordId: string
    from: string
    to: string
    at: Date
    version?: number
    fields?: string[]
  },
): Promise<string> {
  const id = randomUUID()
  const fields = of.fields ?? ['programme_engagement.status', 'programme_engagement.dropout_at']
  await sql`insert into release_ledger (disclosure_id, record_id, record_version, case_id, source_agency_id,
      recipient_agency_id, fields, purpose, released_at)
    values (${id}, ${of.recordId}, ${of.version ?? 1}, ${of.caseId}, ${of.from}, ${of.to}, ${fields}, 'partner_contact', ${of.at})`.execute(
    db,
  )
  return id
}

/** A review task on a request by one agency, for another or for itself. */
async function addReview(
  { owner }: LogNode,
  of: { case: Case; kind: 'before' | 'after'; requester: string; reviewer: string; dueAt: Date },
): Promise<{ taskId: string; disclosureId: string }> {
  const [taskId, disclosureId] = [randomUUID(), randomUUID()]
  await sql`insert into disclosure (id, kind, case_id, subject_id, agency_id, practitioner_id, role, purpose, requested,
      outcome, record_versions, policy_version, event_id, leaf_hash, decided_at)
    values (${disclosureId}, 'disclosure', ${of.case.caseId}, ${of.case.perpetrator}, ${of.requester}, gen_random_uuid(),
      'vss_advocate', 'safety_urgent', '{}', 'review', '{}', 1, gen_random_uuid(), '', ${DROPOUT})`.execute(
    owner,
  )
  await sql`insert into review_task (id, kind, disclosure_id, case_id, agency_id, role, due_at)
    values (${taskId}, ${of.kind}, ${disclosureId}, ${of.case.caseId}, ${of.reviewer}, 'org_admin', ${of.dueAt})`.execute(
    owner,
  )
  return { taskId, disclosureId }
}

async function told({ worker }: LogNode, type: string) {
  const rows = await worker.selectFrom('notice').selectAll().where('type', '=', type).execute()
  return rows.map(({ agency_id: agencyId, role, refs, urgency }) => ({
    agencyId,
    role,
    refs,
    urgency,
  }))
}

async function events({ owner }: LogNode, type: string) {
  const rows = await owner
    .selectFrom('audit_event')
    .select(['agency_id', 'case_id', 'subject_id', 'at', 'public_part', 'private_part'])
    .where('type', '=', type)
    .orderBy('at')
    .execute()
  return rows.map(({ public_part: shown, private_part: hidden, ...row }) => ({
    ...row,
    public: JSON.parse(shown) as Record<string, unknown>,
    private: JSON.parse(hidden) as Record<string, unknown>,
  }))
}

async function nodeFor(t: Test): Promise<LogNode> {
  const node = await startLogNode()
  t.teardown(() => node.close())
  return node
}

const statesOf = async (node: LogNode, ids: readonly string[]) => {
  const rows = await node.worker.selectFrom('duty').select(['id', 'state', 'met_by']).execute()
  return ids.map((id) => {
    const row = rows.find((one) => one.id === id)
    return [row?.state, row?.met_by]
  })
}

t.test('S7: a drop-out that nobody told of in time', async (t) => {
  const node = await nodeFor(t)
  const of = await addCase(node)
  const duty = await addDuty(node, of)
  const house = housekeepingOn(node, node.worker)

  t.match(await house.runHousekeeping(after(24 * HOUR - 1)), { done: { settle_duties: 0 } })
  t.same(await statesOf(node, [duty.id]), [['open', null]])
  t.match(await house.runHousekeeping(after(24 * HOUR)), { done: { settle_duties: 1 }, failed: [] })
  t.same(await statesOf(node, [duty.id]), [['missed', null]])
  t.same(await told(node, 'duty_missed'), [
    {
      agencyId: of.programme,
      role: 'org_admin',
      refs: { dutyId: duty.id, recordId: duty.recordId, caseId: of.caseId },
      urgency: 'immediate',
    },
  ])
  t.match(await events(node, 'duty.missed'), [
    {
      agency_id: of.programme,
      case_id: of.caseId,
      subject_id: of.perpetrator,
      at: after(24 * HOUR),
      public: { dutyId: duty.id, rule: 'D-dropout', field: 'programme_engagement.dropout_at' },
    },
  ])
  t.match(await house.runHousekeeping(after(48 * HOUR)), { done: { settle_duties: 0 } })
  t.equal((await told(node, 'duty_missed')).length, 1, 'told once')

  t.match(await node.sequencer()(), { state: 'published', events: 1 }, 'the event is in the log')
  await readWholeLog(node.fetch, node.vkey)
})

t.test('what meets a duty, and what does not', async (t) => {
  const node = await nodeFor(t)
  const of = await addCase(node)
  const { caseId, programme: from, support, hospital } = of
  const at = after(HOUR)
  const duties = []
  for (let i = 0; i < 7; i++) duties.push(await addDuty(node, of))
  const [met, late, wrongSector, otherField, own, stale, amended] = duties as [
    (typeof duties)[0],
    (typeof duties)[0],
    (typeof duties)[0],
    (typeof duties)[0],
    (typeof duties)[0],
    (typeof duties)[0],
    (typeof duties)[0],
  ]
  const release = (
    recordId: string,
    more: { to?: string; at?: Date; version?: number; fields?: string[] } = {},
  ) => addRelease(node.owner, { caseId, recordId, from, to: support, at, ...more })
  const by = await release(met.recordId)
  await release(met.recordId, { at: after(2 * HOUR) })
  await release(late.recordId, { at: after(24 * HOUR + 1) })
  await release(wrongSector.recordId, { to: hospital })
  await release(otherField.recordId, { fields: ['programme_engagement.status'] })
  await release(own.recordId, { to: from })
  // The drop-out was recorded anew in version 2, after version 1 had been told.
  await release(stale.recordId)
  await addRecord(node, of, { recordId: stale.recordId, number: 2, setIn: 2 })
  // Here something else was changed, so what was told is still what is known.
  const before = await release(amended.recordId)
  await addRecord(node, of, { recordId: amended.recordId, number: 2, setIn: 1 })

  const house = housekeepingOn(node, node.worker)
  t.match(await house.runHousekeeping(after(2 * HOUR)), { done: { settle_duties: 2 } })
  const ids = duties.map(({ id }) => id)
  t.same(
    await statesOf(node, ids),
    [['met', by], ...Array<unknown>(5).fill(['open', null]), ['met', before]],
    'met ones at once, the others not before their time',
  )
  await housekeepingOn(node, node.worker).runHousekeeping(after(25 * HOUR))
  t.same(await statesOf(node, ids), [
    ['met', by],
    ...Array<unknown>(5).fill(['missed', null]),
    ['met', before],
  ])
  t.equal((await told(node, 'duty_missed')).length, 5)

  // A new value opens it again, and then it takes a new release.
  await addRecord(node, of, { recordId: met.recordId, number: 2, setIn: 2 })
  const again = { ...met, id: randomUUID(), dueAt: after(50 * HOUR) }
  await node.transact(from, (tx) => openDuties(tx, [again], after(26 * HOUR)))
  await house.runHousekeeping(after(49 * HOUR))
  t.same(await statesOf(node, [met.id]), [['open', null]])
  const second = await release(met.recordId, { at: after(49 * HOUR), version: 2 })
  await house.runHousekeeping(after(49 * HOUR))
  t.same(await statesOf(node, [met.id]), [['met', second]])
})

t.test('a duty to tell several is met when all of them were told', async (t) => {
  const node = await nodeFor(t)
  const of = await addCase(node)
  const { caseId, programme: from, support, hospital } = of
  const notify = { sector: ['victim_support', 'hospital'] }
  const [both, one] = [await addDuty(node, of, { notify }), await addDuty(node, of, { notify })]
  const release = (recordId: string, to: string, at: Date) =>
    addRelease(node.owner, { caseId, recordId, from, to, at })
  await release(both.recordId, support, after(HOUR))
  await release(one.recordId, support, after(HOUR))
  const house = housekeepingOn(node, node.worker)
  await house.runHousekeeping(after(2 * HOUR))
  t.same(await statesOf(node, [both.id]), [['open', null]], 'one of them is not enough')
  const last = await release(both.recordId, hospital, after(3 * HOUR))
  await release(both.recordId, support, after(4 * HOUR))
  await house.runHousekeeping(after(25 * HOUR))
  t.same(await statesOf(node, [both.id, one.id]), [
    ['met', last],
    ['missed', null],
  ])
})

t.test('a release that is on its way is waited for', async (t) => {
  const node = await nodeFor(t)
  const of = await addCase(node)
  const duty = await addDuty(node, of)
  const house = housekeepingOn(node, node.worker)
  let round: Promise<unknown> = Promise.resolve()
  await node.transact(of.support, async (tx: Tx) => {
    await locks.lockShared(tx, [`case:${of.caseId}`])
    round = house.runHousekeeping(after(24 * HOUR))
    // Until the round waits for the lock.
    for (let waits = 0; waits === 0;) {
      const { rows } = await sql<{ n: number }>`
        select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted
          and database = (select oid from pg_database where datname = current_database())`.execute(
        node.owner,
      )
      waits = rows[0]!.n
    }
    await addRelease(tx, {
      caseId: of.caseId,
      recordId: duty.recordId,
      from: of.programme,
      to: of.support,
      at: after(24 * HOUR),
    })
  })
  t.match(await round, { failed: [] })
  t.equal((await statesOf(node, [duty.id]))[0]?.[0], 'open', 'not missed')
  await house.runHousekeeping(after(24 * HOUR))
  t.equal((await statesOf(node, [duty.id]))[0]?.[0], 'met')
  t.same(await told(node, 'duty_missed'), [])
})

t.test('reviews that nobody decided in time', async (t) => {
  const node = await nodeFor(t)
  const of = await addCase(node)
  const { support, hospital, programme } = of
  const dueAt = after(HOUR)
  const add = (kind: 'before' | 'after', requester: string, reviewer: string, due = dueAt) =>
    addReview(node, { case: of, kind, requester, reviewer, dueAt: due })
  const source = await add('before', support, hospital)
  const own = await add('after', programme, programme)
  const silent = await add('before', support, programme)
  const future = await add('after', support, support, after(48 * HOUR))
  const decided = await add('after', hospital, hospital)
  await node.transact(hospital, (tx) =>
    decideTask(tx, decided.taskId, {
      state: 'approved',
      at: DROPOUT,
      practitionerId: randomUUID(),
      signature: 'x',
    }),
  )

  const house = housekeepingOn(node, node.worker)
  t.match(await house.runHousekeeping(after(2 * HOUR)), { done: { mark_overdue_reviews: 3 } })
  t.match(await house.runHousekeeping(after(3 * HOUR)), { done: { mark_overdue_reviews: 0 } })
  const tasks = await node.worker.selectFrom('review_task').select(['id', 'state']).execute()
  const states = [source, own, silent, future, decided].map(
    ({ taskId }) => tasks.find(({ id }) => id === taskId)?.state,
  )
  t.same(states, ['overdue', 'overdue', 'overdue', 'open', 'approved'])

  const expected = [source, own].flatMap(({ taskId, disclosureId }, i) =>
    ['org_admin', 'dpo'].map((role) => ({
      agencyId: [hospital, programme][i],
      role,
      refs: { reviewId: taskId, disclosureId, caseId: of.caseId },
      urgency: 'immediate',
    })),
  )
  const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
  t.same((await told(node, 'review_overdue')).sort(byText), expected.sort(byText))

  const written = await events(node, 'review.overdue')
  t.equal(written.length, 3)
  // His side does not learn from the clock that somebody asked about him.
  const hidden = written.find((event) => event.public['reviewId'] === silent.taskId)
  t.equal(hidden?.agency_id, null)
  t.equal(hidden?.private['reviewingAgencyId'], programme)
  const seen = await node.transact(programme, (tx) =>
    tx.selectFrom('audit_event').select('public_part').execute(),
  )
  t.equal(seen.length, 1, 'its own overdue review alone')

  await node.transact(hospital, async (tx) => {
    const late = {
      state: 'refused' as const,
      at: DROPOUT,
      practitionerId: randomUUID(),
      signature: 'x',
    }
    t.ok(await decideTask(tx, source.taskId, late), 'an overdue one can still be decided')
  })
})

t.test('agreements that are over', async (t) => {
  const node = await nodeFor(t)
  const { programme, support, hospital } = await addCase(node)
  const add = async (parties: string[], validTo: Date, terminatedAt: Date | null = null) => {
    const id = randomUUID()
    await sql`insert into agreement (id, title, parties, purposes, valid_from, valid_to, document_ref, signatories, terminated_at, created_by)
      values (${id}, 'Partner contact', ${parties}, '{partner_contact}', ${after(-1000 * HOUR)}, ${validTo}, 'D-1', '[]', ${terminatedAt}, ${programme})`.execute(
      node.owner,
    )
    return id
  }
  const expired = await add([programme, support], after(HOUR))
  const running = await add([programme, hospital], after(1000 * HOUR))
  const house = housekeepingOn(node, node.worker)
  t.match(await house.runHousekeeping(after(HOUR - 1)), { done: { announce_agreement_ends: 0 } })
  t.match(await house.runHousekeeping(after(HOUR)), { done: { announce_agreement_ends: 1 } })
  await house.runHousekeeping(after(2 * HOUR))
  const notice = (agencyId: string, agreementId: string) => {
    return { agencyId, role: 'org_admin', refs: { agreementId }, urgency: '24h' }
  }
  t.same(await told(node, 'agreement_expired'), [
    notice(programme, expired),
    notice(support, expired),
  ])
  // One that is ended before its date is over, too.
  await sql`update agreement set terminated_at = ${after(3 * HOUR)} where id = ${running}`.execute(
    node.owner,
  )
  await house.runHousekeeping(after(4 * HOUR))
  t.same((await told(node, 'agreement_expired')).slice(2), [
    notice(programme, running),
    notice(hospital, running),
  ])
})

t.test('what is worthless is forgotten, and partitions are there in time', async (t) => {
  const node = await nodeFor(t)
  const now = new Date('2027-03-15T12:00:00Z')
  const ages = { old: new Date(now.getTime() - 1), fresh: new Date(now.getTime() + 1000) }
  for (const [id, expires] of Object.entries(ages)) {
    await sql`insert into replay_guard values ('dpop', ${id}, ${expires})`.execute(node.app)
    await sql`insert into oidc_payload (model, id, payload, expires_at) values ('Session', ${id}, '{}', ${expires})`.execute(
      node.app,
    )
    const created = new Date(expires.getTime() - 72 * HOUR)
    await sql`insert into idempotency (client_id, key, fingerprint, operation, resource_id, created_at)
      values (${id}, gen_random_uuid(), '', 'requestDisclosure', gen_random_uuid(), ${created})`.execute(
      node.owner,
    )
  }
  const lines: Lines = []
  const house = housekeepingOn(node, node.worker, lines)
  const two = [house, housekeepingOn(node, node.anotherWorker())]
  const rounds = await Promise.all(two.map((one) => one.runHousekeeping(now)))
  t.same(
    rounds.flatMap(({ failed }) => failed),
    [],
  )
  t.equal(
    rounds.reduce((sum, { done }) => sum + done['forget_expired']!, 0),
    3,
  )
  const left =
    await sql`select (select array_agg(id) from replay_guard) a, (select array_agg(id) from oidc_payload) b,
    (select array_agg(client_id) from idempotency) c`.execute(node.owner)
  t.same(left.rows, [{ a: ['fresh'], b: ['fresh'], c: ['fresh'] }])

  // An event of that month then lies in a partition of its own, which refuses as the whole table does.
  const agencyId = randomUUID()
  await node.transact(agencyId, (tx) =>
    node.recordEvent(tx, { type: 'case.created', at: now, agencyId, public: {}, private: {} }),
  )
  const { rows } = await sql<{
    at: string
  }>`select tableoid::regclass::text as at from audit_event`.execute(node.owner)
  t.same(rows, [{ at: 'audit_event_202703' }])
  const { rows: made } =
    await sql`select from pg_class where relname ~ '^audit_event_20270[345]$'`.execute(node.owner)
  t.equal(made.length, 3, 'this month and the two after it')
  for (const statement of [
    'delete from audit_event_202703',
    `update audit_event_202703 set type = 'x'`,
    'truncate audit_event_202703',
  ])
    await t.rejects(sql.raw(statement).execute(node.owner), { code: '23001' }, statement)
})

t.test('several workers do everything once', async (t) => {
  const node = await nodeFor(t)
  const of = await addCase(node)
  for (let i = 0; i < 12; i++) {
    await addDuty(node, of)
    await addReview(node, {
      case: of,
      kind: 'after',
      requester: of.support,
      reviewer: of.support,
      dueAt: DROPOUT,
    })
    await sql`insert into agreement (id, title, parties, purposes, valid_from, valid_to, document_ref, signatories, created_by)
      values (gen_random_uuid(), 'x', ${[of.support]}, '{housing}', ${after(-HOUR)}, ${DROPOUT}, 'D', '[]', ${of.support})`.execute(
      node.owner,
    )
  }
  const workers = [node.worker, node.anotherWorker(), node.anotherWorker()]
  const rounds = await Promise.all(
    workers.map((db) => housekeepingOn(node, db).runHousekeeping(after(30 * HOUR))),
  )
  t.same(
    rounds.flatMap(({ failed }) => failed),
    [],
  )
  for (const task of ['mark_overdue_reviews', 'settle_duties', 'announce_agreement_ends'])
    t.equal(
      rounds.reduce((sum, { done }) => sum + done[task]!, 0),
      12,
      task,
    )
  t.equal((await told(node, 'review_overdue')).length, 24)
  t.equal((await told(node, 'duty_missed')).length, 12)
  t.equal((await told(node, 'agreement_expired')).length, 12)
  t.equal((await events(node, 'review.overdue')).length, 12)
  t.equal((await events(node, 'duty.missed')).length, 12)
})

t.test('nothing that fails holds up the rest', async (t) => {
  const node = await nodeFor(t)
  const of = await addCase(node)
  const bad = await addDuty(node, of, { dueAt: DROPOUT })
  const good = await addDuty(node, of)
  await addReview(node, {
    case: of,
    kind: 'after',
    requester: of.support,
    reviewer: of.support,
    dueAt: DROPOUT,
  })
  await sql
    .raw(
      `create function refuse_one() returns trigger language plpgsql as $$
    begin if new.id = '${bad.id}' then raise exception 'Ana lives at Lake Street 7'; end if; return new; end $$;
    create trigger refuse_one before update on duty for each row execute function refuse_one();
    revoke delete on replay_guard from ostiary_worker`,
    )
    .execute(node.owner)
  const lines: Lines = []
  const house = housekeepingOn(node, node.worker, lines)
  t.same(await house.runHousekeeping(after(30 * HOUR)), {
    done: { extend_audit_partitions: 0, mark_overdue_reviews: 1, announce_agreement_ends: 0 },
    failed: ['forget_expired', 'settle_duties'],
  })
  t.same(await statesOf(node, [bad.id, good.id]), [
    ['open', null],
    ['missed', null],
  ])
  t.same(lines, [
    ['error', { task: 'forget_expired', errorClass: 'DatabaseError', errorCode: '42501' }],
    ['info', { task: 'mark_overdue_reviews', count: 1 }],
    ['error', { task: 'settle_duties', errorClass: 'DatabaseError', errorCode: 'P0001' }],
  ])
  t.notOk(JSON.stringify(lines).includes('Lake Street'))
})

t.test('rounds by the clock', async (t) => {
  const timers = new ManualTimers(30_000)
  const rounds: number[] = []
  const count: Clock = async (now) => rounds.push(now.getTime())
  const house = makeHousekeeping({
    clocks: { count },
    interval: 60_000,
    now: () => new Date(timers.now()),
    timers,
    log: { info() {}, error() {}, fatal() {} },
  })
  house.start()
  await timers.advance(150_000)
  await house.stop()
  await timers.advance(120_000)
  t.same(rounds, [60_000, 120_000, 180_000])
})

t.test('who hears of a missed duty', async (t) => {
  t.equal(escalationRole('sender_admin'), 'org_admin')
  t.equal(escalationRole('sender_dpo'), 'dpo')
  t.equal(escalationRole('pp_case_manager'), 'pp_case_manager')
  t.equal(escalationRole('nobody_in_particular'), 'org_admin')
})
