/** Administrators who write, approve and activate policies in a test's world. */
import { randomUUID } from 'node:crypto'
import { CompactSign, importJWK, type JWK } from 'jose'
import type { PractitionerRole } from '../../src/domain/case/vocabulary.ts'
import { AgencyClient, type Answer, type CallOptions } from './agency-client.ts'
import { type Agency, expectStatus, makeKey, type World } from './world.ts'

/** One practitioner of an agency, with the key that they sign with. */
export interface Administrator {
  readonly id: string
  readonly agencyId: string
  readonly privateJwk: JWK
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
}

/** Registers a practitioner of `agency`; `key` is a new one unless given. */
export async function administrator(
  agency: Agency,
  {
    role = 'org_admin',
    key,
    client = agency.client,
  }: {
    role?: PractitionerRole
    key?: { privateJwk: JWK; publicJwk: JWK }
    client?: AgencyClient
  } = {},
): Promise<Administrator> {
  const { privateJwk, publicJwk } = key ?? (await makeKey())
  const answer = await expectStatus(
    201,
    client.call('POST', `/v1/agencies/${agency.id}/practitioners`, {
      body: { localId: randomUUID(), roles: [role], trainings: [], jwk: publicJwk },
    }),
  )
  const { id } = answer.body
  return {
    id,
    agencyId: agency.id,
    privateJwk,
    call: (method, path, options = {}) =>
      client.call(method, path, { practitioner: { id, role }, ...options }),
  }
}

/** A client of `agency` whose tokens allow more from now on; the operator says so. */
export async function withScopes(
  world: World,
  agency: Agency,
  more: readonly string[],
  address = world.address,
): Promise<AgencyClient> {
  const { origin, operator } = world
  const path = `/v1/agencies/${agency.id}`
  const read = await expectStatus(200, operator.call('system_admin', 'GET', path))
  const scopes = [...new Set([...read.body.scopes, ...more])]
  await expectStatus(
    200,
    operator.call('system_admin', 'PATCH', path, {
      body: { scopes },
      headers: {
        'if-match': read.headers.get('etag') ?? '',
        'content-type': 'application/merge-patch+json',
      },
    }),
  )
  const { clientId, privateJwk } = agency
  return AgencyClient.connect({ origin, clientId, privateJwk, reach: () => address })
}

/** A compact JWS over `payload` by `privateJwk`. */
export async function signed(privateJwk: JWK, payload: object): Promise<string> {
  const key = await importJWK(privateJwk, 'ES256')
  return new CompactSign(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader({ alg: 'ES256' })
    .sign(key)
}

/** Reads the difference as `who` and approves it. */
export async function approve(who: Administrator, draftId: string): Promise<Answer> {
  const path = `/v1/policies/drafts/${draftId}`
  const shown = await who.call('POST', `${path}/diff`, { body: {} })
  if (shown.status !== 200) return shown
  const { hash, diffHash } = shown.body
  const signature = await signed(who.privateJwk, { draftId, hash, diffHash })
  return who.call('POST', `${path}/approvals`, { body: { signature } })
}

/** Begins a draft, has it approved and puts it in force; gives the number of the version. */
export async function putInForce(
  author: Administrator,
  approver: Administrator,
  draft: object,
): Promise<number> {
  const made = await expectStatus(201, author.call('POST', '/v1/policies/drafts', { body: draft }))
  const path = `/v1/policies/drafts/${made.body.id}`
  await expectStatus(200, approve(approver, made.body.id))
  const active = await expectStatus(200, author.call('POST', `${path}/activation`))
  return active.body.version
}
