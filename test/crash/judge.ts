/** Whether a server that was killed, starved or frozen kept what it had answered, and one log. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JWK } from 'jose'
import pg from 'pg'
import type { Test } from 'tap'
import { verifyServer } from '../../src/cli/verify-server.ts'
import { AgencyClient } from '../support/agency-client.ts'
import {
  openReceipt,
  openSigned,
  readWholeLog,
  rootsOf,
  type SignedTree,
} from '../support/independent-verifier.ts'
import {
  concludeAgreement,
  deposit,
  type LakesideCase,
  openLakesideCase,
} from '../support/lakeside-case.ts'
import { onboard, operatorOf } from '../support/world.ts'
import type { Attempt } from './load.ts'

/** Of a program under test, as far as judging needs it. */
export interface Judged {
  readonly origin: string
  /** For the superuser of its database. */
  readonly databaseUrl: string
}

/** Operator, agencies and case through the public API, and what they ask about later. */
export async function settleCase(
  { origin }: Pick<Judged, 'origin'>,
  createOperator: () => Promise<Record<string, unknown>>,
): Promise<LakesideCase> {
  const made = (await createOperator()) as {
    agencyId: string
    practitionerId: string
    clientId: string
    privateJwk: JWK
  }
  const connect = (clientId: string, privateJwk: JWK) =>
    AgencyClient.connect({ origin, clientId, privateJwk })
  const operator = operatorOf(made, await connect(made.clientId, made.privateJwk))
  const lakeside = await openLakesideCase({
    onboard: (member, roles) => onboard(operator, connect, member, roles),
  })
  const { programme, hospital } = lakeside.agencies
  await concludeAgreement(lakeside.agencies)
  const clock = { clock: { now: () => new Date() } }
  await deposit(clock, lakeside, programme, 'pp_case_manager', {
    type: 'programme_engagement',
    subject: lakeside.marko,
    informant: 'PP',
    fields: { status: 'dropout' },
  })
  await deposit(clock, lakeside, hospital, 'physician', {
    type: 'health',
    subject: lakeside.ana,
    informant: 'HE',
    fields: { injury_findings: 'bruises on both wrists' },
  })
  return lakeside
}

/** Whether its client read an answer to the end. */
export function isAnswered({ answer }: Attempt): boolean {
  return answer !== undefined
}

/** Reads as the superuser, on a connection of this one query: others may have been killed. */
export async function rowsOf<Row extends pg.QueryResultRow>(
  { databaseUrl }: Pick<Judged, 'databaseUrl'>,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Row>(text, values)).rows
  } finally {
    await client.end()
  }
}

/** What of these is not there: decision, event and entry of each, as its receipt says. */
export function missing(judged: Judged, answered: readonly Attempt[]): Promise<object[]> {
  const disclosures = answered
    .filter(({ kind }) => kind === 'disclosure')
    .map(({ answer: { id, receipt } }) => ({ id, event: receipt.eventId, leaf: receipt.leafHash }))
  const deposits = answered
    .filter(({ kind }) => kind === 'deposit')
    .map(({ answer: { id } }) => ({ id }))
  return rowsOf(
    judged,
    `select a.id, a.event from jsonb_to_recordset($1) as a(id uuid, event uuid, leaf text)
     where not exists (
       select from disclosure d
       join audit_event e on e.id = d.event_id
       join audit_salt s on s.event_id = e.id
       where d.id = a.id and e.id = a.event and e.type = 'disclose.decided'
         and d.leaf_hash = decode(translate(a.leaf, '-_', '+/') || '=', 'base64')
         and e.public_part::jsonb ->> 'disclosureId' = a.id::text)
     union all
     select a.id, null from jsonb_to_recordset($2) as a(id uuid)
     where not exists (
       select from record r join record_version v on v.record_id = r.id and v.version = r.version
       join audit_event e on e.type = 'collect.deposited' and e.public_part::jsonb ->> 'recordId' = a.id::text
       where r.id = a.id)`,
    [JSON.stringify(disclosures), JSON.stringify(deposits)],
  )
}

/** What no failure may leave: halves of what one transaction writes. */
export async function faults(judged: Judged): Promise<string[]> {
  const found = await rowsOf<{ what: string }>(
    judged,
    `
    select 'disclosure without event' as what from disclosure d
      where not exists (select from audit_event e where e.id = d.event_id)
    union all select 'event without disclosure' from audit_event e
      where e.type = 'disclose.decided' and not exists (select from disclosure d where d.event_id = e.id)
    union all select 'event without salt' from audit_event e
      where not exists (select from audit_salt s where s.event_id = e.id)
    union all select 'event neither pending nor in the log, or both' from audit_event e
      where (select count(*) from log_pending p where p.event_id = e.id)
        + (select count(*) from log_position p where p.event_id = e.id) <> 1
    union all select 'ledger without disclosure' from release_ledger l
      where not exists (select from disclosure d where d.id = l.disclosure_id)
    union all select 'key without resource' from idempotency i
      where i.operation = 'requestDisclosure' and not exists (select from disclosure d where d.id = i.resource_id)
    union all select 'record without its version' from record r
      where not exists (select from record_version v where v.record_id = r.id and v.version = r.version)
    union all select 'position outside the tree' from log_position p
      where p.leaf_index >= (select max(size) from log_checkpoint)`,
  )
  return found.map(({ what }) => what)
}

type Proof = Parameters<typeof openReceipt>[0]

/** Proofs of these, once they are published, as the API gives them. */
async function published(answered: readonly Attempt[]): Promise<Proof[]> {
  const proofs: Proof[] = []
  for (const { agency, role, answer } of answered)
    for (;;) {
      const reply = await agency.call(role, 'GET', `/v1/disclosures/${answer.id}/proof`)
      if (reply.status === 202) await sleep(50)
      else {
        if (reply.status !== 200) throw new Error(`no proof: ${reply.text}`)
        proofs.push(reply.body)
        break
      }
    }
  return proofs
}

/** Trees that are not the beginning of these entries. */
function forks(trees: readonly SignedTree[], entries: readonly Buffer[]): SignedTree[] {
  const rootAt = rootsOf(entries)
  return trees.filter(({ size, root }) => size > entries.length || !rootAt(size).equals(root))
}

/** Every answered disclosure is a leaf of the one log that all checkpoints ever seen are of. */
export async function judgeLog(
  t: Test,
  { origin, vkey }: { readonly origin: string; readonly vkey: string },
  seen: { readonly attempts: readonly Attempt[]; readonly checkpoints: readonly string[] },
): Promise<void> {
  const answered = seen.attempts.filter(
    (attempt) => attempt.kind === 'disclosure' && isAnswered(attempt),
  )
  // The root is made of the entries, so that a leaf among them is proof enough; of some the API's is taken too.
  const asked = answered.filter((_, index) => index % 5 === 0)
  const proofs = await published(asked)
  const log = await readWholeLog(async (path) => {
    const response = await fetch(`${origin}/log/${path}`)
    return response.status === 404 ? undefined : new Uint8Array(await response.arrayBuffer())
  }, vkey)
  const leaves = log.entries.map((entry) =>
    createHash('sha256')
      .update(Buffer.concat([Buffer.of(0), entry]))
      .digest('base64url'),
  )
  const inLog = new Set(leaves)
  t.same(
    answered.filter(({ answer }) => !inLog.has(answer.receipt.leafHash)),
    [],
    'every receipt is a leaf of the tree that was signed',
  )
  t.equal(inLog.size, leaves.length, 'no entry is there twice')
  const notes = [...seen.checkpoints, ...proofs.map(({ checkpoint }) => checkpoint)]
  const trees = notes.map((note) => openSigned(note, vkey))
  t.same(forks(trees, log.entries), [], 'every checkpoint that was ever seen is of this log')
  for (const proof of proofs)
    if (!openReceipt(proof, vkey).entry.equals(log.entries[proof.leafIndex]!))
      t.fail('a proof opens another entry')
  const report = await verifyServer(origin, vkey, () => {}, {
    receipts: asked.map(({ answer }, index) => ({
      name: `proof ${index}`,
      text: JSON.stringify(proofs[index]),
      leafHash: answer.receipt.leafHash as string,
    })),
  })
  t.equal(report.exitCode, 0, 'our own verifier agrees')
  t.comment(
    `${answered.length} disclosures, ${proofs.length} proofs, ${trees.length} checkpoints seen, ${log.size} entries in the log`,
  )
}
