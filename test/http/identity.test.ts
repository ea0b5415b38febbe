import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, exportJWK } from 'jose'
import t from 'tap'
import * as oidcPayloads from '../../src/storage/oidc-payloads.ts'
import { findActingPractitioner } from '../../src/storage/practitioners.ts'
import { admitCalls, deleteExpiredReplays } from '../../src/storage/replay-guard.ts'
import { transactions } from '../../src/storage/transaction.ts'
import { makeRequirePractitioner } from '../../src/services/require-practitioner.ts'
import { AgencyClient, readAnswer } from '../support/agency-client.ts'
import {
  type Changes,
  type ForgeKey,
  forgeAssertion,
  forgeKey,
  forgeProof,
  forgeToken,
  tokenRequest,
} from '../support/forge.ts'
import { type Agency, createWorld, type Node, ORIGIN, SCOPES } from './identity-node.ts'

const world = await createWorld()
t.teardown(() => world.end())
const node = await world.startNode()
const other = await world.startNode()
const police = await world.addAgency()

const TOKEN_URL = `${ORIGIN}/oauth/token`
const WHOAMI = `${ORIGIN}/v1/whoami`

const connect = (agency: Agency, at: Node = node, scopes?: string[]) =>
  AgencyClient.connect({
    origin: ORIGIN,
    clientId: agency.clientId,
    privateJwk: agency.key.privateJwk,
    reach: () => at.url,
    ...(scopes && { scopes }),
  })

/** A token bound to a key that the test holds, and that key. */
async function boundToken(
  agency: Agency,
  scope?: string,
): Promise<{ token: string; key: ForgeKey }> {
  const key = await forgeKey()
  const answer = await askToken(agency, { key, ...(scope && { more: { scope } }) })
  if (answer.status !== 200) throw new Error(`no token: ${answer.text}`)
  return { token: answer.body.access_token, key }
}

/** A token request made by hand, so that any part of it can be wrong. */
async function askToken(
  agency: Agency,
  {
    key,
    at = node,
    assertion = {},
    proof = {},
    more = {},
  }: {
    key?: ForgeKey
    at?: Node
    assertion?: Changes
    proof?: Changes
    more?: Record<string, string>
  } = {},
) {
  const { clientId } = agency
  const jwt = await forgeAssertion(agency.key, { clientId, origin: ORIGIN }, assertion)
  const dpop = key && (await forgeProof(key, { method: 'POST', url: TOKEN_URL }, proof))
  return sendTokenRequest(at, tokenRequest(clientId, jwt, more), dpop)
}

const sendTokenRequest = async (at: Node, body: URLSearchParams, dpop?: string) =>
  readAnswer(
    await fetch(`${at.url}/oauth/token`, {
      method: 'POST',
      body,
      headers: { ...(dpop && { dpop }) },
    }),
  )

/** One API call with exactly these headers. */
const ask = async (
  headers: Record<string, string>,
  { at = node, method = 'GET', path = '/v1/whoami' } = {},
) => readAnswer(await fetch(at.url + path, { method, headers }))

/** The headers of a right call with this token; `changes` spoils the proof. */
async function callHeaders(
  { token, key }: { token: string; key: ForgeKey },
  changes: Changes = {},
) {
  const dpop = await forgeProof(key, { method: 'GET', url: WHOAMI, accessToken: token }, changes)
  return { authorization: `DPoP ${token}`, dpop }
}

t.test('an agency signs in with openid-client and calls the API', async (t) => {
  const client = await connect(police)
  const practitioner = { id: randomUUID(), role: 'police_officer' }
  const answer = await client.call('GET', '/v1/whoami?of=me', { practitioner })
  const jkt = await calculateJwkThumbprint(await exportJWK(client.proofKeys.publicKey))
  t.equal(answer.status, 200)
  t.match(answer.body, {
    agencyId: police.id,
    clientId: police.clientId,
    scopes: SCOPES,
    channel: 'sender_constrained',
    keyThumbprint: jkt,
    practitionerId: practitioner.id,
    role: 'police_officer',
    requestId: /^[0-9a-f-]{36}$/,
  })
  t.equal(
    (await client.call('GET', '/v1/whoami')).status,
    200,
    'a second call has a proof of its own',
  )

  const token = await client.token()
  t.match(decodeProtectedHeader(token), { alg: 'ES256', typ: 'at+jwt', kid: /^[\w-]{43}$/ })
  const { iat = 0, exp = 0, ...claims } = decodeJwt(token)
  t.equal(exp - iat, 300)
  t.match(claims, {
    iss: ORIGIN,
    aud: `${ORIGIN}/v1`,
    sub: police.clientId,
    client_id: police.clientId,
    org: police.id,
    scope: SCOPES.join(' '),
    cnf: { jkt },
    jti: String,
  })
  const ed25519 = { ...police, key: await forgeKey('Ed25519') }
  await world.owner
    .updateTable('agency')
    .set({ jwks: JSON.stringify({ keys: [police.key.publicJwk, ed25519.key.publicJwk] }) })
    .where('id', '=', police.id)
    .execute()
  const second = await connect(ed25519, node, ['cases:read'])
  const { body } = await second.call('GET', '/v1/whoami')
  t.match(
    body,
    { agencyId: police.id, scopes: ['cases:read'] },
    'an Ed25519 key registered just now',
  )
})

t.test('metadata and keys say what there is', async (t) => {
  const at = async (path: string) => readAnswer(await fetch(node.url + path))
  const server = await at('/.well-known/oauth-authorization-server')
  t.match(server.body, {
    issuer: ORIGIN,
    token_endpoint: TOKEN_URL,
    jwks_uri: `${ORIGIN}/oauth/jwks`,
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['ES256', 'Ed25519'],
    response_types_supported: [],
  })
  for (const path of ['', '/v1'])
    t.match((await at(`/.well-known/oauth-protected-resource${path}`)).body, {
      resource: `${ORIGIN}/v1`,
      authorization_servers: [ORIGIN],
      dpop_bound_access_tokens_required: true,
    })
  const jwks = await at('/oauth/jwks')
  t.match(jwks.headers.get('cache-control'), /max-age=60/)
  t.equal(jwks.body.keys.length, 1)
  t.strictSame(Object.keys(jwks.body.keys[0]).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  for (const path of [
    '/auth',
    '/me',
    '/token',
    '/session/end',
    '/.well-known/openid-configuration',
  ])
    t.equal((await at(path)).status, 404, `the library's ${path} cannot be reached`)
})

t.test('the token endpoint refuses', async (t) => {
  const key = await forgeKey()
  const stranger = { ...police, key: await forgeKey() }
  const now = Math.floor(Date.now() / 1000)
  const refused = async (
    name: string,
    wanted: [number, string],
    options: Parameters<typeof askToken>[1],
    agency = police,
  ) => {
    const { status, body, headers } = await askToken(agency, { key, ...options })
    t.strictSame([status, body.error], wanted, name)
    t.match(headers.get('cache-control'), 'no-store')
  }
  const client = [401, 'invalid_client'] as [number, string]
  await refused('a key that is not registered', client, {}, stranger)
  await refused('an unknown client', client, {}, { ...police, clientId: 'nobody' })
  await refused('alg none', client, { assertion: { header: { alg: 'none' } } })
  await refused('alg HS256', client, { assertion: { header: { alg: 'HS256' } } })
  await refused('the token endpoint as audience', client, {
    assertion: { claims: { aud: TOKEN_URL } },
  })
  await refused('several audiences', client, {
    assertion: { claims: { aud: [ORIGIN, TOKEN_URL] } },
  })
  await refused('an audience in a list', client, { assertion: { claims: { aud: [ORIGIN] } } })
  await refused('a long life', client, { assertion: { claims: { exp: now + 61 + 10 } } })
  await refused('an expired one', client, {
    assertion: { claims: { iat: now - 90, exp: now - 30 } },
  })
  await refused('one from the future', client, {
    assertion: { claims: { iat: now + 30, exp: now + 60 } },
  })
  await refused('one without iat', client, { assertion: { claims: { iat: undefined } } })
  await refused('one without jti', client, { assertion: { claims: { jti: undefined } } })
  await refused('one of another type', client, { assertion: { header: { typ: 'at+jwt' } } })
  await refused('another subject', [400, 'invalid_request'], {
    assertion: { claims: { sub: 'x' } },
  })

  const proof = [400, 'invalid_dpop_proof'] as [number, string]
  const { status, body } = await askToken(police)
  t.strictSame([status, body.error], proof, 'no proof')
  await refused('an old proof', proof, { proof: { claims: { iat: now - 90 } } })
  await refused('a proof from the future', proof, { proof: { claims: { iat: now + 30 } } })
  await refused('a proof for another URL', proof, {
    proof: { claims: { htu: `${node.url}/oauth/token` } },
  })
  await refused('a proof for another method', proof, { proof: { claims: { htm: 'GET' } } })
  await refused('a proof with a private key', proof, { proof: { header: { jwk: key.privateJwk } } })
  await refused('an unsigned proof', proof, { proof: { header: { alg: 'none' } } })

  await refused('another grant', [400, 'unsupported_grant_type'], {
    more: { grant_type: 'authorization_code' },
  })
  await refused('another resource', [400, 'invalid_target'], {
    more: { resource: 'https://other.example/v1' },
  })
  await refused('a scope it does not have', [400, 'invalid_scope'], {
    more: { scope: 'cases:read policies:approve' },
  })
  const poor = await world.addAgency([])
  await refused(
    'any scope without having one',
    [400, 'invalid_scope'],
    { more: { scope: 'cases:read' } },
    poor,
  )
  const { token } = await boundToken(poor)
  t.equal(decodeJwt(token).scope, undefined, 'no scopes granted, none in the token')
})

t.test('a stolen or spoilt token is refused', async (t) => {
  const bound = await boundToken(police)
  const { token, key } = bound
  const refused = async (
    name: string,
    code: string,
    headers: Record<string, string>,
    options: Parameters<typeof ask>[1] = {},
  ) => {
    const answer = await ask(headers, options)
    t.strictSame([answer.status, answer.body.code], [401, code], name)
    t.match(
      answer.headers.get('www-authenticate'),
      /^DPoP .*algs="ES256 Ed25519", resource_metadata="/,
    )
  }
  const right = await callHeaders(bound)
  const { dpop } = right
  await refused('no token', 'token_missing', {})
  await refused('another scheme', 'token_invalid', { authorization: 'Basic YTpi' })
  await refused('rubbish', 'token_invalid', { authorization: 'DPoP rubbish', dpop })
  await refused('as a bearer', 'token_not_bound', { authorization: `Bearer ${token}` })
  await refused('as a bearer with a proof', 'token_not_bound', {
    authorization: `Bearer ${token}`,
    dpop,
  })
  await refused('no proof', 'proof_missing', { authorization: `DPoP ${token}` })
  await refused('two proofs', 'proof_invalid', { ...right, dpop: `${dpop}, ${dpop}` })
  await refused('another key', 'proof_invalid', await callHeaders({ token, key: await forgeKey() }))
  await refused('another method', 'proof_invalid', right, { method: 'POST' })

  const now = Math.floor(Date.now() / 1000)
  const spoilt: Record<string, Changes> = {
    'htu of another path': { claims: { htu: `${ORIGIN}/v1/cases` } },
    'htu of another host': { claims: { htu: `${node.url}/v1/whoami` } },
    'no htu': { claims: { htu: undefined } },
    htm: { claims: { htm: 'get' } },
    'ath of another token': { claims: { ath: 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo' } },
    'no ath': { claims: { ath: undefined } },
    'old iat': { claims: { iat: now - 61 } },
    'future iat': { claims: { iat: now + 30 } },
    'iat as text': { claims: { iat: String(now) } },
    'no jti': { claims: { jti: undefined } },
    typ: { header: { typ: 'JWT' } },
    'alg none': { header: { alg: 'none' } },
    'alg HS256': { header: { alg: 'HS256' } },
    'no key': { header: { jwk: undefined } },
    'a private key': { header: { jwk: key.privateJwk } },
    'a symmetric key': { header: { jwk: { kty: 'oct', k: 'AAAA' } } },
    'key of another kind': { header: { jwk: (await forgeKey('Ed25519')).publicJwk } },
  }
  for (const [name, changes] of Object.entries(spoilt))
    await refused(`proof: ${name}`, 'proof_invalid', await callHeaders(bound, changes))
  for (const htu of [`${WHOAMI}?of=me#here`, 'HTTPS://Exchange.Example:443/v1/x/../whoami'])
    t.equal(
      (await ask(await callHeaders(bound, { claims: { htu } }))).status,
      200,
      `htu ${htu} is the same`,
    )
  t.equal((await ask(right)).status, 200, 'the right one passes after all')
})

t.test('a token that our server did not sign for this API is refused', async (t) => {
  const jwks = await readAnswer(await fetch(`${node.url}/oauth/jwks`))
  const { kid, ...point } = jwks.body.keys[0]
  const key = await forgeKey()
  const forger = await forgeKey()
  const { clientId } = police
  const usual = { clientId, origin: ORIGIN, jkt: key.thumbprint }
  const refused = async (name: string, changes: Changes, signer = forger) => {
    const token = await forgeToken(signer, usual, changes)
    const answer = await ask(await callHeaders({ token, key }))
    t.strictSame([answer.status, answer.body.code], [401, 'token_invalid'], name)
  }
  await refused('unknown kid', {})
  await refused('no kid', { header: { kid: undefined } })
  await refused('our kid, another signature', { header: { kid } })
  await refused('alg none', { header: { alg: 'none' } })
  await refused('alg none with our kid', { header: { alg: 'none', kid } })
  await refused(
    'HS256 keyed with our public key',
    { header: { alg: 'HS256', kid } },
    { ...forger, publicJwk: point },
  )

  const planted = await plantSigner(node)
  const accepted = await forgeToken(planted, usual, { claims: { scope: 'cases:read' } })
  t.equal(
    (await ask(await callHeaders({ token: accepted, key }))).status,
    200,
    'control: same key, right claims',
  )
  const spoilt: Record<string, Changes> = {
    'another issuer': { claims: { iss: 'https://other.example' } },
    'no issuer': { claims: { iss: undefined } },
    'another audience': { claims: { aud: `${ORIGIN}/admin` } },
    'no audience': { claims: { aud: undefined } },
    expired: { claims: { exp: Math.floor(Date.now() / 1000) - 1 } },
    'no end': { claims: { exp: undefined } },
    'an ID token': { header: { typ: 'JWT' } },
    'no type': { header: { typ: undefined } },
    'no client': { claims: { client_id: undefined } },
    'client of another kind': { claims: { client_id: 7 } },
    'a client that is not there': { claims: { client_id: 'nobody' } },
  }
  for (const [name, changes] of Object.entries(spoilt)) await refused(name, changes, planted)

  const unbound = await forgeToken(planted, { clientId, origin: ORIGIN })
  const answer = await ask(await callHeaders({ token: unbound, key }))
  t.strictSame([answer.status, answer.body.code], [401, 'token_not_bound'], 'bound to nothing')
})

t.test('scopes and the practitioner header', async (t) => {
  const client = await connect(police, node, ['cases:read'])
  const denied = await client.call('POST', '/v1/whoami')
  t.strictSame([denied.status, denied.body.code], [403, 'scope_missing'])
  t.match(denied.headers.get('www-authenticate'), 'error="insufficient_scope", scope="cases:write"')
  const id = randomUUID()
  for (const value of [
    id,
    `${id};role=`,
    `${id};role=emperor`,
    `${id};role=police_officer;role=dpo`,
    `${id};role="police_officer"`,
    `x${id};role=police_officer`,
    `${id};role=police_officer, ${id};role=dpo`,
  ]) {
    const answer = await client.call('GET', '/v1/whoami', {
      headers: { 'ostiary-practitioner': value },
    })
    t.strictSame(
      [answer.status, answer.body.code],
      [400, 'practitioner_header_invalid'],
      value.slice(36),
    )
  }
})

t.test('a practitioner acts only for the own agency, while active, in a role held', async (t) => {
  const hospital = await world.addAgency()
  const ana = randomUUID()
  const row = { id: ana, agency_id: hospital.id, local_id: 'ana', trainings: '[]', jwk: null }
  await world.owner
    .insertInto('practitioner')
    .values({ ...row, roles: ['physician', 'dpo'] })
    .execute()
  const transact = transactions(node.db)
  const find = (agencyId: string, role: 'physician' | 'teacher_pedagogue', id = ana) =>
    transact(agencyId, (tx) => findActingPractitioner(tx, id, role))
  t.match(await find(hospital.id, 'physician'), { id: ana, trainings: [] })
  t.equal(await find(police.id, 'physician'), undefined, 'another agency')
  t.equal(await find(hospital.id, 'teacher_pedagogue'), undefined, 'role not held')
  t.equal(await find(hospital.id, 'physician', randomUUID()), undefined, 'nobody')
  const operator = await world.addAgency()
  await world.owner
    .updateTable('agency')
    .set({ operator: true })
    .where('id', '=', operator.id)
    .execute()
  t.equal(await find(operator.id, 'physician'), undefined, 'the operator, who sees the row')
  await world.owner
    .updateTable('practitioner')
    .set({ active: false })
    .where('id', '=', ana)
    .execute()
  t.equal(await find(hospital.id, 'physician'), undefined, 'no longer active')

  const require = makeRequirePractitioner({ storage: { findActingPractitioner } })
  const caller = {
    agencyId: hospital.id,
    sector: 'hospital' as const,
    clientId: hospital.clientId,
    scopes: [],
    channel: 'bearer' as const,
    requestId: randomUUID(),
  }
  const as = (more: object) => transact(hospital.id, (tx) => require(tx, { ...caller, ...more }))
  await t.rejects(as({}), { code: 'practitioner_header_missing' })
  await t.rejects(as({ practitionerId: ana, role: 'physician' }), {
    code: 'practitioner_not_recognised',
  })
})

t.test('a suspended agency is out at once, on every node', async (t) => {
  const agency = await world.addAgency()
  const bound = await boundToken(agency)
  for (const at of [node, other]) t.equal((await ask(await callHeaders(bound), { at })).status, 200)
  await world.owner
    .updateTable('agency')
    .set({ suspended_at: new Date() })
    .where('id', '=', agency.id)
    .execute()
  for (const at of [node, other]) {
    const answer = await ask(await callHeaders(bound), { at })
    t.strictSame([answer.status, answer.body.code], [401, 'token_invalid'])
  }
  t.match((await askToken(agency, { key: await forgeKey() })).body, { error: 'invalid_client' })
  t.equal(
    world.refusals.filter(({ agencyId }) => agencyId === agency.id).length,
    2,
    'both are told',
  )
})

t.test('a replayed proof is refused and told', async (t) => {
  const bound = await boundToken(police)
  const practitionerId = randomUUID()
  const headers = {
    ...(await callHeaders(bound)),
    'ostiary-practitioner': `${practitionerId};role=police_officer`,
  }
  t.equal((await ask(headers)).status, 200)
  for (const at of [node, other]) {
    const told = world.refusals.length
    const answer = await ask(headers, { at })
    t.strictSame([answer.status, answer.body.code], [401, 'proof_replayed'])
    t.match(world.refusals.slice(told), [
      { agencyId: police.id, code: 'proof_replayed', practitionerId, requestId: String },
    ])
  }
})

t.test('of two nodes that get one assertion at once, never both accept it', async (t) => {
  const key = await forgeKey()
  const refused = new Set<string>()
  let accepted = 0
  for (let round = 0; round < 50; round++) {
    const { clientId } = police
    const jwt = await forgeAssertion(police.key, { clientId, origin: ORIGIN })
    const answers = await Promise.all(
      [node, other].map(async (at) => {
        // Two proofs, so that it is the assertion that decides.
        const dpop = await forgeProof(key, { method: 'POST', url: TOKEN_URL })
        return sendTokenRequest(at, tokenRequest(clientId, jwt), dpop)
      }),
    )
    const won = answers.filter(({ status }) => status === 200).length
    if (won > 1) t.fail('both accepted it')
    accepted += won
    for (const { status, body } of answers)
      if (status !== 200) refused.add(`${status} ${body.error}`)
  }
  t.equal(accepted, 50, 'one of them always does')
  t.strictSame([...refused], ['401 invalid_client'], 'the other says so')
})

t.test('of two nodes that get one proof at once, never both accept it', async (t) => {
  const bound = await boundToken(police)
  let accepted = 0
  for (let round = 0; round < 50; round++) {
    const headers = await callHeaders(bound)
    // Several to each node, so that a proof also meets itself inside one statement.
    const answers = await Promise.all([node, other, node, other].map((at) => ask(headers, { at })))
    const won = answers.filter(({ status }) => status === 200).length
    if (won > 1) t.fail('it was accepted more than once')
    accepted += won
  }
  t.equal(accepted, 50, 'one of them always is')

  const proof = await forgeProof(bound.key, { method: 'POST', url: TOKEN_URL })
  const { clientId } = police
  const grants = await Promise.all(
    [node, other].map(async (at) => {
      const jwt = await forgeAssertion(police.key, { clientId, origin: ORIGIN })
      return sendTokenRequest(at, tokenRequest(clientId, jwt), proof)
    }),
  )
  t.equal(grants.filter(({ status }) => status === 200).length, 1, 'nor at the token endpoint')
})

t.test('calls that are asked about together get each their own answer', async (t) => {
  const hospital = await world.addAgency()
  const expiresAt = new Date(Date.now() + 60_000)
  const call = ({ clientId }: Agency, id: string) => ({ clientId, proof: { id, expiresAt } })
  const [once, twice] = [randomUUID(), randomUUID()]
  const admissions = await admitCalls(node.pool, [
    call(police, twice),
    { clientId: hospital.clientId },
    call(hospital, once),
    call(police, twice),
    { clientId: 'nobody' },
  ])
  t.strictSame(
    admissions.map(({ agency, fresh }) => [agency?.id, fresh]),
    [
      [police.id, true],
      [hospital.id, true],
      [hospital.id, true],
      [police.id, false],
      [undefined, true],
    ],
  )
  const [again] = await admitCalls(node.pool, [call(hospital, once)])
  t.equal(again?.fresh, false)
})

t.test('keys rotate while clients go on calling', async (t) => {
  let turn = 0
  const kids = new Set<string>()
  const client = await AgencyClient.connect({
    origin: ORIGIN,
    clientId: police.clientId,
    privateJwk: police.key.privateJwk,
    reach: () => [node, other][turn++ % 2]?.url ?? '',
  })
  const statuses = new Map<number, number>()
  let running = true
  const caller = (async () => {
    while (running) {
      client.forget()
      kids.add(decodeProtectedHeader(await client.token()).kid ?? '')
      for (let i = 0; i < 3; i++) {
        const { status } = await client.call('GET', '/v1/whoami')
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }
  })()
  await sleep(300)
  const next = await world.rotate({ delay: 3 })
  await sleep(2300)
  const published = await readAnswer(await fetch(`${other.url}/oauth/jwks`))
  t.ok(
    published.body.keys.some(({ kid }: { kid: string }) => kid === next),
    'published before it signs',
  )
  t.notOk(kids.has(next))
  await sleep(1500)
  running = false
  await caller
  t.ok(kids.has(next), 'signs after the delay')
  t.equal(kids.size, 2)
  t.strictSame([...statuses.keys()], [200], `${statuses.get(200)} calls, none failed`)
})

t.test('a compromised key is out at once, its tokens with it', async (t) => {
  const bound = await boundToken(police)
  t.equal((await ask(await callHeaders(bound))).status, 200, 'verified, and remembered as such')
  await world.rotate({ compromised: true })
  await node.reloadKeys()
  t.equal((await ask(await callHeaders(bound))).body.code, 'token_invalid')
  // The other node has not heard of the new key, and looks when it meets it.
  await sleep(1000)
  const renewed = await boundToken(police)
  t.equal((await ask(await callHeaders(renewed), { at: other })).status, 200)
})

t.test('a plain bearer token passes only where it is allowed, and is called so', async (t) => {
  const lenient = await world.startNode({ allowBearer: true })
  const granted = await askToken(police, { at: lenient })
  t.match(granted.body, { token_type: 'Bearer', access_token: String })
  const authorization = `Bearer ${granted.body.access_token}`
  const { status, body } = await ask({ authorization }, { at: lenient })
  t.match({ status, body }, { status: 200, body: { channel: 'bearer', agencyId: police.id } })
  t.notOk('keyThumbprint' in body)
  t.equal((await ask({ authorization })).body.code, 'token_not_bound', 'not on a strict node')
  const bound = await boundToken(police)
  const stolen = { authorization: `Bearer ${bound.token}` }
  const { dpop } = await callHeaders(bound)
  for (const headers of [stolen, { ...stolen, dpop }]) {
    const answer = await ask(headers, { at: lenient })
    t.strictSame(
      [answer.status, answer.body.code],
      [401, 'proof_missing'],
      'a bound one never does',
    )
  }
})

t.test('nothing secret is in the logs', async (t) => {
  const bound = await boundToken(police)
  const headers = await callHeaders(bound)
  await ask(headers)
  await ask(headers)
  await askToken(police, { key: bound.key, assertion: { claims: { aud: TOKEN_URL } } })
  const log = [...node.logLines, ...other.logLines].join('')
  t.match(log, '"code":"invalid_client"')
  t.notMatch(log, /eyJ[\w-]{10}/, 'no JWT of any kind')
})

t.test('every sign-in is written down, and no token leaves that is not', async (t) => {
  const agency = await world.addAgency()
  const client = { agencyId: agency.id, clientId: agency.clientId }
  const since = world.signIns.length
  const { key } = await boundToken(agency, 'cases:read')
  t.equal((await askToken(agency, { key, more: { scope: 'no:such' } })).status, 400)
  t.equal(
    (await askToken(agency, { assertion: { claims: { aud: 'https://other.example' } }, key }))
      .status,
    401,
  )
  const stranger = { id: randomUUID(), clientId: `agency-${randomUUID()}`, key: agency.key }
  t.equal((await askToken(stranger, { key })).status, 401)
  const written = world.signIns.slice(since)
  t.match(written, [
    { issued: true, client, scopes: ['cases:read'], keyThumbprint: key.thumbprint },
    { issued: false, client, code: 'invalid_scope' },
    { issued: false, client, code: 'invalid_client' },
    { issued: false, code: 'invalid_client', client: undefined },
  ])
  t.ok(written.every(({ requestId }) => requestId !== undefined))
  t.notOk(JSON.stringify(written).includes(stranger.clientId), 'nothing of what a stranger sent')

  const blind = await world.startNode({ logFails: true })
  const refused = await askToken(agency, { key, at: blind })
  t.equal(refused.status, 503)
  t.match(refused.body, { error: 'temporarily_unavailable' })
  t.notOk(refused.text.includes('access_token'))
  t.ok(Number(refused.headers.get('retry-after')) > 0)
  t.equal((await askToken(stranger, { key, at: blind })).status, 503)
})

t.test('what has expired is forgotten', async (t) => {
  const past = new Date(Date.now() - 1000)
  const future = new Date(Date.now() + 60_000)
  const db = world.owner
  await db
    .insertInto('replay_guard')
    .values([
      { kind: 'dpop', id: 'old', expires_at: past },
      { kind: 'dpop', id: 'new', expires_at: future },
    ])
    .execute()
  const kept = { model: 'Session', payload: { a: 1 }, uid: 'u' }
  await oidcPayloads.keepPayload(db, { ...kept, id: 'old', expiresAt: past })
  await oidcPayloads.keepPayload(db, { ...kept, id: 'new', expiresAt: future, grantId: 'g' })
  const now = new Date()
  t.equal(await oidcPayloads.findPayload(db, 'Session', { id: 'old' }, now), undefined)
  t.match(await oidcPayloads.findPayload(db, 'Session', { uid: 'u' }, now), { payload: { a: 1 } })
  await oidcPayloads.consumePayload(db, 'Session', 'new', now)
  t.ok((await oidcPayloads.findPayload(db, 'Session', { id: 'new' }, now))?.consumedAt)
  const [replays, payloads] = await db
    .transaction()
    .execute(async (tx) => [
      await deleteExpiredReplays(tx, now),
      await oidcPayloads.deleteExpiredPayloads(tx, now),
    ])
  t.strictSame([replays, payloads], [1n, 1n])
  await oidcPayloads.dropPayloadsOfGrant(db, 'Session', 'g')
  t.equal(await oidcPayloads.findPayload(db, 'Session', { id: 'new' }, now), undefined)
})

/** A token key whose private half the test knows, as if it were the server's own. */
async function plantSigner(at: Node): Promise<ForgeKey> {
  const key = await world.plantTokenKey()
  await at.reloadKeys()
  return key
}
