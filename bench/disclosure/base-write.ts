import { randomBytes, randomUUID } from 'node:crypto'
import type pg from 'pg'
import type { IdempotencyClaim } from '../../src/http/idempotency.ts'
import type { Caller } from '../../src/services/caller.ts'
import type { DisclosureRequest } from '../../src/services/disclose-fields.ts'

/** What the real server wrote and answered once, taken from its database and its answer. */
export interface Canned {
  readonly answer: {
    readonly outcome: string
    readonly policy: { readonly version: number; readonly hash: string }
    readonly receipt: { readonly origin: string }
    readonly fields: readonly Readonly<Record<string, unknown>>[]
  }
  readonly publicPart: string
  readonly privatePart: string
  /** Length of the sealed facts. */
  readonly factBytes: number
  readonly ledger: readonly {
    readonly record_id: string
    readonly record_version: number
    readonly subject_id: string | null
    readonly source_agency_id: string
    readonly fields: readonly string[]
  }[]
}

/** The same with what is the same for every request made ready. */
export interface ReadyCanned extends Canned {
  /** The rows of the ledger as parameters. */
  readonly ledgerColumns: readonly [string[], number[], (string | null)[], string[], string[]]
}

export function readCanned(canned: Canned): ReadyCanned {
  const { ledger } = canned
  return {
    ...canned,
    ledgerColumns: [
      ledger.map((row) => row.record_id),
      ledger.map((row) => row.record_version),
      ledger.map((row) => row.subject_id),
      ledger.map((row) => row.source_agency_id),
      // Lists of unequal length make no array of arrays; as text each is one element.
      ledger.map((row) => `{${row.fields.join(',')}}`),
    ],
  }
}

const EVENT = `with
  event as (insert into audit_event (id, at, type, agency_id, practitioner_id, case_id, subject_id, request_id, public_part, private_part)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)),
  salt as (insert into audit_salt (event_id, public_salt, private_salt) values ($1, $11, $12))
  insert into log_pending (event_id, entry) values ($1, $13)`
const DISCLOSURE = `with ledger as (
    insert into release_ledger (disclosure_id, record_id, record_version, case_id, subject_id, source_agency_id,
      recipient_agency_id, fields, purpose, released_at)
    select $1, l.record, l.version, $3, l.subject, l.source, $5, l.fields::text[], $8, $15
    from unnest($16::uuid[], $17::integer[], $18::uuid[], $19::uuid[], $20::text[]) as l (record, version, subject, source, fields))
  insert into disclosure (id, kind, case_id, subject_id, agency_id, practitioner_id, role, purpose, requested, outcome, facts,
    record_versions, policy_version, event_id, leaf_hash, decided_at, catalogue_version)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $21, $15, 1)`
const KEY =
  'insert into idempotency (client_id, key, fingerprint, operation, resource_id) values ($1, $2, $3, $4, $5)'

/** What is new with each request. */
export interface Occasion {
  readonly caller: Caller
  readonly request: DisclosureRequest
  readonly idempotency: IdempotencyClaim
  readonly recordVersions: Readonly<Record<string, number>>
}

/** Writes rows of the same tables, number and size as a release does, commits, and gives the answer. */
export async function writeLikeARelease(
  client: pg.PoolClient,
  canned: ReadyCanned,
  { caller, request, idempotency, recordVersions }: Occasion,
): Promise<object> {
  const { answer } = canned
  const [id, eventId, at, leafHash] = [randomUUID(), randomUUID(), new Date(), randomBytes(32)]
  await Promise.all([
    client.query({
      name: 'base-event',
      text: EVENT,
      values: [
        eventId,
        at,
        'disclose.decided',
        caller.agencyId,
        caller.practitionerId,
        request.caseId,
        request.subjectId,
        caller.requestId,
        canned.publicPart,
        canned.privatePart,
        randomBytes(32),
        randomBytes(32),
        randomBytes(64),
      ],
    }),
    client.query({
      name: 'base-disclosure',
      text: DISCLOSURE,
      values: [
        id,
        'disclosure',
        request.caseId,
        request.subjectId,
        caller.agencyId,
        caller.practitionerId,
        caller.role,
        request.purpose,
        request.fields,
        answer.outcome,
        randomBytes(canned.factBytes),
        JSON.stringify(recordVersions),
        answer.policy.version,
        eventId,
        at,
        ...canned.ledgerColumns,
        leafHash,
      ],
    }),
    client.query({
      name: 'base-key',
      text: KEY,
      values: [caller.clientId, idempotency.key, idempotency.fingerprint, 'requestDisclosure', id],
    }),
    client.query('commit'),
  ])
  return {
    ...answer,
    id,
    decidedAt: at.toISOString(),
    receipt: {
      eventId,
      leafHash: leafHash.toString('base64url'),
      origin: answer.receipt.origin,
    },
  }
}
