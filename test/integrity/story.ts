/** A short life in the lakeside case that leaves a row in every audited table, and something in every column. */
import { randomBytes, randomUUID } from 'node:crypto'
import { CompactSign, importJWK } from 'jose'
import { sql } from 'kysely'
import { cosign } from '../../src/domain/log/cosignature.ts'
import { formatSignatureLine } from '../../src/domain/log/note.ts'
import { policyVersionDigest } from '../../src/domain/log/record-digest.ts'
import { ED25519_COSIGNATURE, formatVkey, verifierKey } from '../../src/domain/log/vkey.ts'
import { makeErasePerson } from '../../src/services/erase-person.ts'
import { makeRecordEvent } from '../../src/services/record-event.ts'
import { compilePack, parsePack } from '../../src/services/policy-versions.ts'
import { makeRetireAuditMonths } from '../../src/services/retire-audit-months.ts'
import * as auditEvents from '../../src/storage/audit-events.ts'
import { activatePolicy } from '../../src/storage/policies.ts'
import * as retirement from '../../src/storage/audit-retirement.ts'
import type { Database } from '../../src/storage/database.ts'
import * as erasure from '../../src/storage/erasure.ts'
import * as locks from '../../src/storage/locks.ts'
import { transactions } from '../../src/storage/transaction.ts'
import { realCatalogue } from '../support/catalogue.ts'
import {
  askForDropout,
  concludeAgreement,
  consentOfAna,
  deposit,
  depositBothSides,
  disclose,
  type LakesideCase,
  openLakesideCase,
  withdraw,
} from '../support/lakeside-case.ts'
import type { CheckedWorld } from './checked-world.ts'
import { administrator, putInForce } from '../support/policy-people.ts'
import { GUARD, rules, SUITE } from '../support/small-pack.ts'
import { type Agency, expectStatus, fakeRuntime, type World } from '../support/world.ts'

/** Lives it, with a tick of the log now and then; gives the case. */
export async function liveShortly(
  { world, owner, administer }: CheckedWorld,
  { full = true }: { readonly full?: boolean } = {},
): Promise<LakesideCase> {
  const { publish } = world.ostiary
  if (full) await retireOldMonths(world, owner)
  const at = await openLakesideCase(world)
  await publish()
  const { agencies, marko, ana } = at
  const { police, programme, support } = agencies
  await concludeAgreement(agencies)
  const ended = await concludeAgreement(agencies)
  await expectStatus(
    200,
    support.call('org_admin', 'POST', `/v1/agreements/${ended.body.id}/termination`, {
      body: { reason: 'both moved' },
    }),
  )
  await depositBothSides(world, at)
  await publish()
  if (full) await administer((admin) => admin.rotateLogKey({ overlap: 3600, compromised: false }))
  await changeRecord(world, at)
  await consentOfAna(at, ['risk_assessment.risk_level'])
  await withdraw(at, await consentOfAna(at, ['risk_assessment.score']))
  await publish()
  await askForDropout(at)
  const key = randomUUID()
  for (let turn = 0; turn < 2; turn++)
    await expectStatus(
      201,
      disclose(
        at,
        support,
        'partner_contact_worker',
        {
          subject: marko,
          purpose: 'safety_urgent',
          fields: ['programme_engagement.*'],
          justification: 'weekly handover',
        },
        { idempotencyKey: key },
      ),
    )
  await expectStatus(
    200,
    police.call('police_officer', 'POST', '/v1/disclosures/preview', {
      body: {
        ...{ caseId: at.caseId, subjectId: ana, purpose: 'safety_urgent' },
        fields: ['contact_location.*'],
      },
    }),
  )
  await publish()
  await underReview(world, at)
  await publish()
  await eraseSomebody(world, owner, programme, marko)
  await publish()
  await publish()
  if (full) {
    for (let i = 0; i < 2; i++) await cosignNewest(owner, i)
    await changePolicy(world, owner)
    await publish()
  }
  // Some that wait for the next tick.
  await police.call('police_officer', 'GET', `/v1/cases/${at.caseId}`)
  await disclose(at, support, 'vss_advocate', {
    subject: ana,
    purpose: 'safety_urgent',
    fields: ['contact_location.*'],
  })
  return at
}

/** Two months long ago, with a tick that takes in some of both; the first of them is retired. */
async function retireOldMonths(world: World, owner: Database): Promise<void> {
  const { publish } = world.ostiary
  const { runtime } = fakeRuntime(world.clock)
  const recordEvent = makeRecordEvent({
    storage: auditEvents,
    runtime,
    origin: '127.0.0.1:8080/log',
  })
  const viewed = (count: number, at: string) =>
    owner.transaction().execute(async (tx) => {
      const event = { type: 'consult.case_viewed', at: new Date(at) } as const
      for (let i = 0; i < count; i++)
        await recordEvent(tx, { ...event, public: { i }, private: { i } })
    })
  await sql`select ensure_audit_partitions('2025-01-01')`.execute(owner)
  await viewed(5, '2025-01-20T10:00:00Z')
  await publish()
  await viewed(2, '2025-01-31T23:59:59.999Z')
  await viewed(3, '2025-02-01T00:00:00Z')
  await publish()
  const parts = { db: owner, storage: retirement, recordEvent, runtime, keep: 12 }
  await makeRetireAuditMonths(parts)('2025-02')
  await publish()
}

/** A small pack as a first start would have it, and the next version by a draft that somebody approved. */
async function changePolicy(world: World, owner: Database): Promise<void> {
  const { runtime } = fakeRuntime(world.clock)
  const recordEvent = makeRecordEvent({
    storage: auditEvents,
    runtime,
    origin: '127.0.0.1:8080/log',
  })
  const documents = parsePack([
    { file: 'rules.yaml', text: rules() },
    { file: 'guard.yaml', text: GUARD },
  ])
  const { hash } = compilePack(documents, realCatalogue())
  await owner.transaction().execute(async (tx) => {
    const at = world.clock.now()
    const version = await activatePolicy(tx, { hash, documents }, at)
    const said = { version, hash, basedOn: null }
    const unwritten = { suites: [], reason: null, authors: null, approvals: null }
    const versionDigest = policyVersionDigest({ version, hash, ...unwritten })
    await recordEvent(tx, {
      type: 'policy.activated',
      at,
      public: said,
      private: { versionDigest },
    })
  })
  const [author, approver] = [
    await administrator(world.operator),
    await administrator(world.operator),
  ]
  await putInForce(author, approver, {
    documents: [rules({ fields: 'incident.occurred_at' }), GUARD],
    suites: [SUITE],
    reason: 'the day is enough',
  })
}

/** A witness cosigns the newest checkpoint, as the server would store it. */
async function cosignNewest(owner: Database, number: number): Promise<void> {
  const key = { name: `witness-${number}.example`, seed: new Uint8Array(randomBytes(32)) }
  const newest = await owner
    .selectFrom('log_checkpoint')
    .select(['size', 'note'])
    .orderBy('size', 'desc')
    .executeTakeFirstOrThrow()
  const seconds = 1_790_000_000 + number
  const text = newest.note.slice(0, newest.note.lastIndexOf('\n\n') + 1)
  const vkey = formatVkey(verifierKey(key, ED25519_COSIGNATURE))
  const line = formatSignatureLine(cosign(text, seconds, key))
  await sql`insert into log_cosignature (size, witness, line, cosigned_at)
    values (${newest.size}, ${vkey}, ${line}, ${new Date(seconds * 1000)})`.execute(owner)
  await sql`insert into log_publication (gated, size) values (false, ${newest.size})
    on conflict do nothing`.execute(owner)
}

async function changeRecord(world: World, at: LakesideCase): Promise<void> {
  const { support } = at.agencies
  const record = await deposit(world, at, support, 'vss_advocate', {
    type: 'risk_assessment',
    subject: at.ana,
    informant: 'V',
    toldBy: at.ana,
    fields: { risk_level: 'high', score: 3 },
    conditions: ['not to be shown to him'],
  })
  const now = world.clock.now().toISOString()
  const path = `/v1/records/${record.body.id}`
  await expectStatus(
    200,
    support.call('vss_advocate', 'PATCH', path, {
      body: {
        fields: { score: 4 },
        provenance: { informant: 'VS', kind: 'assessment', collectedAt: now, verifiedAt: now },
      },
      headers: { 'if-match': '"1"' },
    }),
  )
  await expectStatus(
    201,
    support.call('vss_advocate', 'POST', `${path}/contestations`, {
      body: { fields: ['score'], note: 'she counted otherwise' },
    }),
  )
  await expectStatus(
    201,
    support.call('vss_advocate', 'POST', `${path}/verifications`, {
      body: { fields: ['risk_level'], verifiedAt: now },
    }),
  )
}

/** Two requests that wait for the police: one is approved and released; and a broken glass. */
async function underReview(world: World, at: LakesideCase): Promise<void> {
  const { police, programme, prosecution } = at.agencies
  await deposit(world, at, prosecution, 'prosecutor', {
    type: 'criminal_proceedings',
    subject: at.marko,
    informant: 'PR',
    fields: { pp_mandate: 'mandatory' },
  })
  await deposit(world, at, police, 'police_officer', {
    type: 'person',
    subject: at.marko,
    informant: 'PO',
    fields: { full_name: 'Marko Novak' },
  })
  const intake = { subject: at.marko, purpose: 'programme_intake', fields: ['person.full_name'] }
  for (const decision of ['approve', 'refuse', undefined]) {
    const asked = await expectStatus(201, disclose(at, programme, 'pp_case_manager', intake))
    if (decision === undefined) continue
    await review(police, 'police_officer', asked.body.id, decision)
    const release = programme.call(
      'pp_case_manager',
      'POST',
      `/v1/disclosures/${asked.body.id}/release`,
    )
    await expectStatus(decision === 'approve' ? 201 : 409, release)
  }
  const glass = await expectStatus(
    201,
    police.call('police_officer', 'POST', '/v1/disclosures', {
      body: {
        ...{ caseId: at.caseId, subjectId: at.ana, purpose: 'safety_urgent' },
        fields: ['contact_location.*'],
        justification: 'shots were heard',
        ethicsNote: 'no time',
        exception: { code: 'break_glass', note: 'nobody answers' },
      },
    }),
  )
  await review(police, 'org_admin', glass.body.id, 'approve')
}

async function review(
  agency: Agency,
  role: 'police_officer' | 'org_admin',
  disclosureId: string,
  decision: string,
): Promise<void> {
  const listed = await agency.call(role, 'GET', '/v1/reviews?limit=200')
  const { hash } = listed.body.items.find(
    (task: { disclosureId: string }) => task.disclosureId === disclosureId,
  )
  const { privateJwk } = agency.people.get(role)!
  const signature = await new CompactSign(Buffer.from(JSON.stringify({ hash, decision })))
    .setProtectedHeader({ alg: 'ES256' })
    .sign(await importJWK(privateJwk, 'ES256'))
  await expectStatus(
    200,
    agency.call(role, 'POST', `/v1/disclosures/${disclosureId}/review`, {
      body: { decision, note: 'order in the file', signature },
    }),
  )
}

/** The programme's hold on somebody ends: key and salts are destroyed. */
export async function eraseSomebody(
  world: World,
  owner: Database,
  agency: Agency,
  personId: string,
): Promise<void> {
  await owner.updateTable('duty').set({ state: 'met' }).where('agency_id', '=', agency.id).execute()
  const { runtime } = fakeRuntime(world.clock)
  const erasePerson = makeErasePerson({
    storage: erasure,
    locks,
    recordEvent: makeRecordEvent({
      storage: auditEvents,
      runtime,
      origin: '127.0.0.1:8080/log',
    }),
    runtime,
  })
  await transactions(owner)(agency.id, (tx) =>
    erasePerson(tx, { agencyId: agency.id, personId, ground: 'retention_ended' }),
  )
}
