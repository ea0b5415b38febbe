/** The directory of agencies: no secret among them, so every agency reads all of it. */
import { sql } from 'kysely'
import type { Sector } from '../domain/case/vocabulary.ts'
import type { Tx } from './database.ts'

/** One agency as it is kept. */
export interface AgencyEntry {
  readonly id: string
  /** OAuth client id. */
  readonly clientId: string
  readonly parentId: string | null
  readonly name: string
  readonly sector: Sector
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  readonly public: boolean
  readonly phases: readonly number[]
  readonly competentAuthority: boolean
  readonly nationalAuthorisationRef: string | null
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  /** X25519 public key, 32 bytes. */
  readonly sealingKey: Uint8Array | null
  readonly contacts: readonly unknown[]
  readonly operator: boolean
  readonly scopes: readonly string[]
  readonly suspendedAt: Date | null
  readonly version: number
  readonly createdAt: Date
}

/** What of an entry can change. */
export type AgencyChanges = Partial<
  Omit<
    AgencyEntry,
    'id' | 'clientId' | 'parentId' | 'sector' | 'operator' | 'version' | 'createdAt'
  >
>

const COLUMNS = [
  'id',
  'client_id as clientId',
  'parent_id as parentId',
  'name',
  'sector',
  'country',
  'public',
  'phases',
  'competent_authority as competentAuthority',
  'national_authorisation_ref as nationalAuthorisationRef',
  'jwks',
  'sealing_key as sealingKey',
  'contacts',
  'operator',
  'scopes',
  'suspended_at as suspendedAt',
  'version',
  'created_at as createdAt',
] as const

/** Adds an agency at version 1. Ids and client ids are fresh, so nothing can be in the way. */
export async function insertAgency(tx: Tx, agency: Omit<AgencyEntry, 'version'>): Promise<void> {
  await tx
    .insertInto('agency')
    .values({
      id: agency.id,
      client_id: agency.clientId,
      parent_id: agency.parentId,
      name: agency.name,
      sector: agency.sector,
      country: agency.country,
      public: agency.public,
      phases: [...agency.phases],
      competent_authority: agency.competentAuthority,
      national_authorisation_ref: agency.nationalAuthorisationRef,
      jwks: JSON.stringify(agency.jwks),
      sealing_key: agency.sealingKey && Buffer.from(agency.sealingKey),
      contacts: JSON.stringify(agency.contacts),
      operator: agency.operator,
      scopes: [...agency.scopes],
      suspended_at: agency.suspendedAt,
      created_at: agency.createdAt,
    })
    .execute()
}

/** One agency; undefined when there is none of that id. */
export function findAgency(tx: Tx, id: string): Promise<AgencyEntry | undefined> {
  return tx.selectFrom('agency').select(COLUMNS).where('id', '=', id).executeTakeFirst()
}

/** Which of the ids are agencies. */
export async function existingAgencies(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const rows = await tx
    .selectFrom('agency')
    .select('id')
    .where('id', 'in', [...ids])
    .execute()
  return new Set(rows.map(({ id }) => id))
}

/** A page of the directory in the order of names (code units), then ids. */
export function listAgencyEntries(
  tx: Tx,
  filter: {
    readonly sector?: Sector
    readonly after?: { readonly name: string; readonly id: string }
    readonly limit: number
  },
): Promise<AgencyEntry[]> {
  let query = tx.selectFrom('agency').select(COLUMNS)
  if (filter.sector) query = query.where('sector', '=', filter.sector)
  if (filter.after) {
    const { name, id } = filter.after
    query = query.where(sql<boolean>`(name collate "C", id) > (${name}, ${id}::uuid)`)
  }
  return query
    .orderBy(sql`name collate "C"`)
    .orderBy('id')
    .limit(filter.limit)
    .execute()
}

/**
 * Changes an entry by compare-and-set on its version; undefined when another change was first. Run it
 * under the exclusive lock of the agency where the change stops releases.
 */
export function changeAgency(
  tx: Tx,
  id: string,
  version: number,
  changes: AgencyChanges,
): Promise<AgencyEntry | undefined> {
  const { name, country, phases, jwks, sealingKey, contacts, scopes, suspendedAt } = changes
  const { competentAuthority, nationalAuthorisationRef } = changes
  return tx
    .updateTable('agency')
    .set({
      version: version + 1,
      ...(name === undefined ? {} : { name }),
      ...(country === undefined ? {} : { country }),
      ...(changes.public === undefined ? {} : { public: changes.public }),
      ...(phases === undefined ? {} : { phases: [...phases] }),
      ...(competentAuthority === undefined ? {} : { competent_authority: competentAuthority }),
      ...(nationalAuthorisationRef === undefined
        ? {}
        : { national_authorisation_ref: nationalAuthorisationRef }),
      ...(jwks === undefined ? {} : { jwks: JSON.stringify(jwks) }),
      ...(sealingKey === undefined ? {} : { sealing_key: sealingKey && Buffer.from(sealingKey) }),
      ...(contacts === undefined ? {} : { contacts: JSON.stringify(contacts) }),
      ...(scopes === undefined ? {} : { scopes: [...scopes] }),
      ...(suspendedAt === undefined ? {} : { suspended_at: suspendedAt }),
    })
    .where('id', '=', id)
    .where('version', '=', version)
    .returning(COLUMNS)
    .executeTakeFirst()
}

/**
 * Of these perpetrator programmes, those for which partner contact is guaranteed at `at` (R66): by an
 * agreement in force with a service for victims, or by such a service in the same organisation.
 */
export async function guaranteedProgrammes(
  tx: Tx,
  ids: readonly string[],
  at: Date,
): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const { rows } = await sql<{ id: string }>`
    select gate_partner_contact as id from gate_partner_contact(${[...ids]}::uuid[], ${at})`.execute(
    tx,
  )
  return new Set(rows.map(({ id }) => id))
}
