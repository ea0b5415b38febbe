/**
 * `npm run demo`: a real server on a database that did not exist before, agencies with keys of their
 * own, an invented case, and disclosures in both directions, printed for people. Ends with code 0 only
 * if everything came out as it must. With `--keep` the server stays up, and `.ostiary/demo.json` says
 * how to go on with curl or a client of one's own.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JWK } from 'jose'
import { AgencyClient, type Answer } from '../support/agency-client.ts'
import { concludeAgreement, type LakesideCase, openCase, STAFF } from '../support/lakeside-case.ts'
import { type Agency, type AgencyName, CAST, onboard, operatorOf } from '../support/world.ts'
import { findWhoSaw, rewriteHistory } from './oversight.ts'
import { changeRules } from './rules.ts'
import { type DemoServer, startServer } from './server.ts'
import { ask, step, tellEverything } from './story.ts'

const FILE = join(import.meta.dirname, '../../.ostiary/demo.json')

/** Longest wait for the log to be published, in milliseconds. */
const PATIENCE = 15_000

async function demo(server: DemoServer): Promise<void> {
  const seconds = (server.startedWithin / 1000).toFixed(1)
  console.log(`\nOstiary at ${server.origin}: first answer ${seconds} s after its start`)
  step('The operator adds the agencies; each signs in with its own key (openid-client, DPoP)')
  const at = await settle(server)
  for (const name of Object.keys(at.agencies) as AgencyName[])
    console.log(`      ${CAST[name].name.padEnd(26)} acts for ${CAST[name].actsFor}`)

  step('Everybody deposits what they know of Ana, Marko and Lea; every value is sealed')
  await tellEverything(at)
  const { dropout, count } = await ask(at)

  step(
    'The log, checked from outside with nothing but verifier keys: its own, and those of two witnesses',
    'The police’s and Lighthouse’s officers run them; what both have cosigned cannot be shown differently to anybody.',
  )
  await checkLog(server, at, dropout, count)
  const event = await findWhoSaw(at)
  await changeRules(at.operator)
  await rewriteHistory(server, event)
  if (process.argv.includes('--keep')) await keep(server, at)
}

/** Operator, agencies, agreement and case, all through the public API. */
async function settle(server: DemoServer): Promise<LakesideCase & { readonly operator: Agency }> {
  const made = (await server.command('admin', 'create', '--name', 'Ostiary Lakeside')) as {
    agencyId: string
    practitionerId: string
    clientId: string
    privateJwk: JWK
  }
  const connect = (clientId: string, privateJwk: JWK) =>
    AgencyClient.connect({ origin: server.origin, clientId, privateJwk })
  const operator = operatorOf(made, await connect(made.clientId, made.privateJwk))
  const agencies = {} as Record<AgencyName, Agency>
  for (const name of Object.keys(CAST) as AgencyName[])
    agencies[name] = await onboard(operator, connect, CAST[name], STAFF[name])
  await concludeAgreement(agencies)
  return { operator, agencies, ...(await openCase(agencies)) }
}

async function checkLog(
  server: DemoServer,
  { agencies }: LakesideCase,
  dropout: Answer,
  count: number,
): Promise<void> {
  const proof = await published(() =>
    agencies.support.call(
      'partner_contact_worker',
      'GET',
      `/v1/disclosures/${dropout.body.id}/proof`,
    ),
  )
  console.log(
    `      event ${dropout.body.receipt.eventId} is leaf ${proof.body.leafIndex} of ${proof.body.treeSize}`,
  )
  const receipt = join(import.meta.dirname, '../../.ostiary/demo-receipt.json')
  await writeFile(receipt, JSON.stringify(proof.body))
  const report = await server.command(
    'log',
    'verify',
    server.origin,
    '--vkey',
    server.vkey,
    '--receipt',
    receipt,
    '--leaf-hash',
    dropout.body.receipt.leafHash,
    ...server.watch.vkeys.flatMap((vkey) => ['--witness', vkey]),
    '--quorum',
    '2',
  )
  assert.equal(report['ok'], true, 'the log verifies')
  console.log(
    `      ${count} disclosures decided; every entry, the tree, the signature and both cosignatures verify`,
  )
}

/** Asks until the proof is published: events wait for the next tick of the log. */
async function published(asking: () => Promise<Answer>): Promise<Answer> {
  const until = performance.now() + PATIENCE
  for (;;) {
    const answer = await asking()
    if (answer.status === 200) return answer
    assert.equal(answer.status, 202, answer.text)
    assert.ok(performance.now() < until, 'the log was not published in time')
    await sleep(250)
  }
}

async function keep(server: DemoServer, { agencies, ...ids }: LakesideCase): Promise<void> {
  const told = Object.fromEntries(
    Object.entries(agencies).map(([name, { id, clientId, privateJwk, people }]) => [
      name,
      {
        id,
        clientId,
        privateJwk,
        practitioners: [...people.values()].map((person) => ({
          id: person.id,
          roles: person.roles,
          privateJwk: person.privateJwk,
        })),
      },
    ]),
  )
  const { caseId, ana, marko, lea } = ids
  const kept = {
    baseUrl: server.origin,
    logVkey: server.vkey,
    agencies: told,
    caseId,
    persons: { ana, marko, lea },
  }
  await writeFile(FILE, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 })
  console.log(`\n  The server stays at ${server.origin} (reference at ${server.origin}/docs)`)
  console.log(`  Keys and ids are in ${FILE}. Ctrl-C ends it.`)
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}

const server = await startServer()
let code = 1
try {
  await demo(server)
  code = 0
  console.log('\n  Everything came out as it must.')
} catch (error) {
  console.error('\n  The demo did not come out as it must:')
  console.error(error)
} finally {
  const ended = await server.stop()
  if (ended !== 0) {
    console.error(`  The server ended with code ${ended}`)
    code = 1
  }
}
process.exit(code)
