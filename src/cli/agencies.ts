import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { loadConfig } from '../config.ts'
import { SECTORS, type Sector } from '../domain/case/vocabulary.ts'
import { withAdministration } from '../wire/administration.ts'
import { print } from './print.ts'

interface Common {
  readonly name: string
  readonly country: string
  readonly json?: boolean
}

/** `ostiary admin create`: the operator, with a key that is printed once and kept nowhere. */
export async function adminCreate(options: Common): Promise<void> {
  const { privateJwk, publicJwk } = await makeKey()
  const { name, country } = options
  const made = await withAdministration(loadConfig(), (admin) =>
    admin.createOperator(
      {
        name,
        sector: 'coordination_body',
        country: countryOf(country),
        public: true,
        phases: [],
        competentAuthority: false,
        jwks: { keys: [publicJwk] },
      },
      { localId: 'admin', roles: ['system_admin', 'org_admin'], jwk: publicJwk },
    ),
  )
  const result = { ...made, privateJwk }
  print(options, result, [
    `operator:     ${made.agencyId}`,
    `practitioner: ${made.practitionerId} (system_admin, org_admin)`,
    `client id:    ${made.clientId}`,
    'private key, shown this once, for tokens and signatures:',
    JSON.stringify(privateJwk),
  ])
}

/** `ostiary agency add`: an agency with its own keys, or with one that is printed once. */
export async function agencyAdd(
  options: Common & {
    readonly sector: string
    readonly public: boolean
    readonly jwks?: string
    readonly admin?: string
  },
): Promise<void> {
  const { name, country, sector, public: isPublic, jwks: file, admin: localId } = options
  const own = file === undefined ? await makeKey() : undefined
  const keys = own ? [own.publicJwk] : await publicKeysIn(file ?? '')
  const [first = {}] = keys
  const made = await withAdministration(loadConfig(), (administration) =>
    administration.addAgency(
      {
        name,
        sector: sectorOf(sector),
        country: countryOf(country),
        public: isPublic,
        phases: [],
        competentAuthority: false,
        jwks: { keys },
      },
      localId === undefined ? undefined : { localId, roles: ['org_admin'], jwk: first },
    ),
  )
  const result = { ...made, ...(own ? { privateJwk: own.privateJwk } : {}) }
  print(options, result, [
    `agency:    ${made.agencyId}`,
    `client id: ${made.clientId}`,
    ...(made.practitionerId ? [`org_admin: ${made.practitionerId}`] : []),
    ...(own ? ['private key, shown this once:', JSON.stringify(own.privateJwk)] : []),
  ])
}

function sectorOf(text: string): Sector {
  const sector = SECTORS.find((known) => known === text)
  if (!sector) throw new Error(`\`${text}\` is not a sector: ${SECTORS.join(', ')}`)
  return sector
}

function countryOf(text: string): string {
  if (!/^[A-Z]{2}$/.test(text)) throw new Error(`\`${text}\` is not a country code such as SI`)
  return text
}

/** ES256, the key that every client library can make tokens with. */
async function makeKey(): Promise<{
  privateJwk: JWK
  publicJwk: Readonly<Record<string, unknown>>
}> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const common = { alg: 'ES256', use: 'sig', kid: randomUUID() }
  return {
    privateJwk: { ...(await exportJWK(privateKey)), ...common },
    publicJwk: { ...(await exportJWK(publicKey)), ...common },
  }
}

async function publicKeysIn(file: string): Promise<Readonly<Record<string, unknown>>[]> {
  const set = JSON.parse(await readFile(file, 'utf8')) as { keys?: Record<string, unknown>[] }
  if (!Array.isArray(set.keys) || set.keys.length === 0)
    throw new Error(`${file} is not a JWK set with keys`)
  if (set.keys.some((key) => 'd' in key || 'k' in key))
    throw new Error(`${file} holds a private key: hand over public keys only`)
  return set.keys
}
