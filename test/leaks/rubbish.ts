/** What is refused, and must not be repeated by the refusal. */
import { randomUUID } from 'node:crypto'
import { createConnection } from 'node:net'
import type { PractitionerRole } from '../../src/domain/case/vocabulary.ts'
import { type CallOptions, readAnswer } from '../support/agency-client.ts'
import type { Agency } from '../support/world.ts'
import type { Deposited, Scene } from './life.ts'
import { note } from './told.ts'

/** Requests that cannot be carried out, each with something in it that must not come back. */
export async function sendRubbish(scene: Scene, records: readonly Deposited[]): Promise<void> {
  const { told, agencies, secrets, persons, caseId, world, catalogue } = scene
  const { police, support } = agencies
  const bad = (what: string) => secrets.text('refused', what)
  const refuse = (
    what: string,
    method: string,
    path: string,
    options: CallOptions = {},
    agency: Agency = police,
    role: PractitionerRole = 'police_officer',
  ) => note(told, what, 'refused', () => agency.call(role, method, path, options))
  const RECORDS = `/v1/cases/${caseId}/records`
  const provenance = {
    informant: 'PO',
    kind: 'fact',
    collectedAt: world.clock.now().toISOString(),
  }
  const deposit = { type: 'person', subjectId: persons.marko, fields: {}, provenance }
  const question = {
    ...{ caseId, subjectId: persons.marko, purpose: 'safety_urgent', fields: ['person.full_name'] },
  }

  // Values of another type than the field has: the canary itself, in every field of every record.
  for (const { type, subjects } of catalogue.records) {
    const wrong = Object.entries(secrets.record(type, 1)).map(([name, value]) => [
      name,
      { [bad('member of a value')]: value },
    ])
    await refuse(`wrong types, ${type}`, 'POST', RECORDS, {
      body: {
        type,
        ...(subjects.includes('case') ? {} : { subjectId: persons.ana }),
        fields: Object.fromEntries(wrong),
        provenance,
      },
    })
  }
  const body = (change: object) => ({ body: { ...deposit, ...change } })
  await refuse('unknown field', 'POST', RECORDS, body({ fields: { [bad('name')]: bad('value') } }))
  await refuse('field name', 'POST', RECORDS, body({ fields: { ab_c: bad('value') } }))
  await refuse('unknown member', 'POST', RECORDS, body({ [bad('member')]: bad('value') }))
  await refuse('unknown type', 'POST', RECORDS, body({ type: bad('type') }))
  await refuse('no list', 'POST', RECORDS, body({ conditions: bad('condition') }))
  await refuse('origins', 'POST', RECORDS, body({ fieldProvenance: { [bad('field')]: {} } }))
  await refuse(
    'future',
    'POST',
    RECORDS,
    body({
      fields: { full_name: bad('name') },
      provenance: { ...provenance, collectedAt: '2999-01-01T00:00:00Z' },
    }),
  )
  await refuse('date', 'POST', RECORDS, body({ fields: { birth_date: bad('date') } }))
  await refuse('too long', 'POST', RECORDS, body({ fields: { full_name: bad('x').repeat(900) } }))
  await refuse('huge', 'POST', RECORDS, body({ conditions: [bad('huge').repeat(40_000)] }))
  await refuse('malformed JSON', 'POST', RECORDS, { body: `{"type": ${bad('JSON')}` })
  await refuse('malformed JSON', 'POST', RECORDS, { body: `{"${bad('JSON')}` })
  await refuse('not JSON', 'POST', RECORDS, {
    body: bad('text'),
    headers: { 'content-type': 'text/plain' },
  })
  await refuse('media type', 'POST', RECORDS, {
    body: '{}',
    headers: { 'content-type': `application/${bad('media type')}` },
  })
  const ask = (change: object) => ({ body: { ...question, ...change } })
  for (const path of ['/v1/disclosures', '/v1/disclosures/preview']) {
    await refuse('selector', 'POST', path, ask({ fields: [`person.${bad('selector')}`] }))
    await refuse('purpose', 'POST', path, ask({ purpose: bad('purpose') }))
    await refuse('id', 'POST', path, ask({ caseId: bad('id') }))
    await refuse('member', 'POST', path, ask({ exception: { code: bad('code'), note: bad('n') } }))
    await refuse('elsewhere', 'POST', path, ask({ caseId: randomUUID(), justification: bad('j') }))
    await refuse('nobody', 'POST', path, ask({ subjectId: randomUUID(), justification: bad('j') }))
  }
  await refuse('idempotency key', 'POST', '/v1/disclosures', {
    ...ask({}),
    idempotencyKey: bad('key'),
  })
  const consent = { caseId, subjectId: persons.ana, items: [], [bad('member')]: bad('value') }
  await refuse('consent', 'POST', '/v1/consents', { body: consent })
  await refuse('agreement', 'POST', '/v1/agreements', { body: { title: bad('title') } })
  const [first] = records
  await refuse('review', 'POST', `/v1/disclosures/${randomUUID()}/review`, {
    body: { decision: 'approve', note: bad('note'), signature: 'x.y.z' },
  })
  await refuse('contest', 'POST', `/v1/records/${first!.id}/contestations`, {
    body: { fields: [bad('field')], note: bad('note') },
  })
  await refuse(
    'not its own',
    'PATCH',
    `/v1/records/${first!.id}`,
    {
      body: { fields: { child_view: bad('value') }, provenance },
      headers: { 'if-match': `"${bad('version')}"` },
    },
    support,
    'vss_advocate',
  )
  for (const path of [
    `/v1/cases/${bad('path')}`,
    `/v1/${bad('path')}`,
    `/v1/cases/${randomUUID()}/${bad('path')}`,
    `/v1/notices?${bad('parameter')}=${bad('value')}`,
    `/v1/notices?cursor=${bad('cursor')}`,
    `/v1/disclosures?direction=${bad('direction')}`,
    `/log/tile/${bad('level')}/000`,
    `/log/tile/entries/${bad('index')}`,
    `/${bad('path')}%ff%00`,
    `/v1/cases/${bad('long').repeat(40)}`,
  ])
    await refuse('path', 'GET', path)
  await refuse('practitioner', 'GET', '/v1/notices', {
    practitioner: { id: bad('practitioner'), role: bad('role') },
  })
  await note(told, 'strange headers', 200, () =>
    police.call('police_officer', 'GET', '/v1/notices', {
      headers: { 'x-request-id': bad('request id'), cookie: bad('cookie') },
    }),
  )
  await outside(scene)
}

/** The same without a token, without a client, and without HTTP. */
async function outside({ told, secrets, world }: Scene): Promise<void> {
  const bad = (what: string) => secrets.text('refused', what)
  const plain = (what: string, path: string, init: RequestInit) =>
    note(told, what, 'refused', async () =>
      readAnswer(await fetch(`${world.address}${path}`, init)),
    )
  await plain('no token', '/v1/notices', { headers: { authorization: `DPoP ${bad('token')}` } })
  await plain('bearer', '/v1/notices', { headers: { authorization: `Bearer ${bad('token')}` } })
  await plain('proof', '/v1/notices', {
    headers: { authorization: `DPoP ${bad('token')}`, dpop: bad('proof') },
  })
  for (const fields of [
    { grant_type: bad('grant type') },
    { grant_type: 'client_credentials', client_id: bad('client'), client_secret: bad('secret') },
    {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: `${bad('assertion')}.x.y`,
      resource: bad('resource'),
    },
  ])
    await plain('token endpoint', '/oauth/token', {
      method: 'POST',
      body: new URLSearchParams(fields as Record<string, string>),
    })
  for (const text of [
    `${bad('method').toUpperCase()} / HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET /${bad('path')} HTTP/9.9\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\n${bad('header').repeat(2000)}: x\r\n\r\n`,
    `GET / HTTP/1.1\r\n${bad('header')}\x01: x\r\n\r\n`,
  ]) {
    const answer = await raw(world.address, text)
    told.push({
      what: 'not HTTP',
      status: 400,
      text: answer,
      released: [],
      mayHold: [],
    })
  }
}

/** Sends bytes, and reads until the server hangs up. */
function raw(address: string, text: string): Promise<string> {
  const { hostname, port } = new URL(address)
  return new Promise((resolve) => {
    let answer = ''
    const socket = createConnection(Number(port), hostname, () => socket.write(text))
    socket.setTimeout(5_000, () => socket.destroy())
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })
}
