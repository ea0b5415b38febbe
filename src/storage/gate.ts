/**
 * The release gate's own way to the database: two round trips for one disclosure (architecture §3).
 * The first begins, sets the agency, takes the locks and reads the facts; the second writes the
 * decision with its audit event and commits. Everything else goes through Kysely.
 */
import type pg from 'pg'
import type { StoredField, StoredProvenance } from '../domain/case/stored-record.ts'
import type { ActsFor, PersonRole, Purpose, Sector } from '../domain/case/vocabulary.ts'
import { commitStatements, type GateWrite } from './gate-write.ts'

/** What one request wants to know. Ids are UUIDs that the contract has checked. */
export interface GateQuestion {
  readonly agencyId: string
  readonly practitionerId: string
  readonly role: string
  readonly caseId: string
  readonly subjectId: string
  readonly clientId: string
  /** Absent where no key is asked for (preview). */
  readonly idempotencyKey?: string
  /** Record types that hold a requested field. */
  readonly types: readonly string[]
}

/** As `gate_context` returns it; times are ISO 8601 strings. */
export interface GateContext {
  readonly policyVersion: number | null
  readonly agency: {
    readonly id: string
    readonly sector: Sector
    readonly country: string
    readonly public: boolean
    readonly competentAuthority: boolean
    readonly nationalAuthorisation: boolean
    readonly organisationId: string
    readonly suspended: boolean
    /** Base64, 32 bytes. */
    readonly sealingKey: string | null
  } | null
  readonly practitioner: {
    readonly id: string
    readonly trainings: readonly { readonly code: string; readonly at: string }[]
  } | null
  readonly membership: ActsFor | null
  /** When the membership ends by itself; null: without end. */
  readonly memberUntil: string | null
  readonly subject: { readonly id: string; readonly roles: readonly PersonRole[] } | null
  /** Roles of every person of the case, by id. */
  readonly persons: Readonly<Record<string, readonly PersonRole[]>>
  readonly consents: readonly GateConsent[]
  readonly agreements: readonly {
    readonly id: string
    readonly parties: readonly string[]
    readonly purposes: readonly Purpose[]
    readonly validFrom: string
    readonly validTo: string
  }[]
  /** The key under which this agency seals its own notes about the subject, once there is one. */
  readonly subjectKey: { readonly wrapped: string; readonly epoch: number } | null
  /** Epoch of the key-encryption key under which new keys are wrapped. */
  readonly keyEpoch: number
  readonly seen: {
    readonly fingerprint: string
    readonly operation: string
    readonly resourceId: string
  } | null
}

/** A consent as stored; its items hold resolved field ids. */
export interface GateConsent {
  readonly id: string
  readonly personId: string
  readonly explicit: boolean
  readonly items: readonly {
    readonly purpose: Purpose
    readonly recipient: { readonly agencyId: string } | { readonly sector: Sector }
    readonly recipientRoles?: readonly string[]
    readonly fields: readonly string[]
  }[]
  readonly givenAt: string
  readonly expiresAt: string
  readonly withdrawnAt: string | null
}

/** One record version as `gate_values` returns it: ciphertext, keys, and all that is known about it. */
export interface GateRecord {
  readonly record_id: string
  readonly version: number
  readonly type: string
  readonly subject_id: string | null
  readonly agency_id: string
  readonly sector: Sector
  readonly organisation_id: string
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  readonly public: boolean
  readonly competent_authority: boolean
  readonly acts_for: ActsFor | null
  readonly fields: readonly StoredField[]
  readonly current_fields: readonly StoredField[] | null
  readonly provenance: readonly StoredProvenance[]
  readonly conditions: readonly string[]
  /** Null for a record that is read for its flags only. */
  readonly sealed: Buffer | null
  readonly wrapped_key: Buffer
  readonly sealed_flags: Buffer | null
  readonly key_owner_id: string
  /** Null once the key was destroyed: then nothing of the record opens. */
  readonly subject_key: Buffer | null
  readonly key_epoch: number | null
  readonly released: readonly string[] | null
}

/** What an earlier request came to, for repeating it. */
export interface EarlierDecision {
  /** The records that it considered, at the versions of then. */
  readonly records: readonly GateRecord[]
  /** People at the sources were asked. */
  readonly underReview: boolean
}

/** An open transaction of the gate; exactly one of `commit` and `rollback` ends it. */
export interface GateTransaction {
  /** False while another request under the same idempotency key is being worked on. */
  readonly keyIsMine: boolean
  readonly context: GateContext
  readonly records: readonly GateRecord[]
  /** An earlier request of this agency. */
  earlier(disclosureId: string): Promise<EarlierDecision>
  /** The agency's key for notes about the subject: the given one, or one that came first. */
  keepSubjectKey(wrapped: Uint8Array, epoch: number): Promise<{ wrapped: Buffer; epoch: number }>
  /** Writes everything and commits, in one round trip. Throws when anything failed; then nothing was written. */
  commit(write: GateWrite): Promise<void>
  rollback(): Promise<void>
}

/** Ids go through `uuid`, so that one id has one lock however it is spelled. */
const LOCKS = `select set_config('app.agency', $1::uuid::text, true),
  pg_advisory_xact_lock_shared(hashtextextended('ostiary/agency:' || $1::uuid::text, 0)),
  pg_advisory_xact_lock_shared(hashtextextended('ostiary/case:' || $2::uuid::text, 0)),
  pg_advisory_xact_lock_shared(hashtextextended('ostiary/person:' || $3::uuid::text, 0)),
  pg_advisory_xact_lock_shared(hashtextextended('ostiary/policy', 0)),
  case when $5::text is null then true
    else pg_try_advisory_xact_lock(hashtextextended('ostiary/idempotency:' || $4::text || ':' || $5::text, 0)) end as mine`
const CONTEXT = 'select gate_context($1, $2, $3, $4, $5, $6) as context'
const VALUES = 'select * from gate_values($1, $2, $3, $4)'
const EARLIER = 'select record_versions, under_review from disclosure where id = $1'
const KEEP_KEY = `with kept as (
    insert into subject_key (owner_id, agency_id, case_id, key_epoch, wrapped) values ($1, $2, $3, $4, $5)
    on conflict (owner_id, agency_id) do nothing returning wrapped, key_epoch)
  select wrapped, key_epoch from kept`
const READ_KEY = 'select wrapped, key_epoch from subject_key where owner_id = $1 and agency_id = $2'

/**
 * Begins: locks first, then reads in later statements, so that what is read is what had been
 * committed when the locks were granted. One round trip; the pool's clients must be pipelining.
 */
export async function openGate(pool: pg.Pool, question: GateQuestion): Promise<GateTransaction> {
  const client = await pool.connect()
  const q = question
  const key = q.idempotencyKey ?? null
  try {
    const [, locks, context, values] = await settle([
      client.query('begin'),
      client.query<{ mine: boolean }>({
        name: 'gate-locks',
        text: LOCKS,
        values: [q.agencyId, q.caseId, q.subjectId, q.clientId, key],
      }),
      client.query<{ context: GateContext }>({
        name: 'gate-context',
        text: CONTEXT,
        values: [q.practitionerId, q.role, q.caseId, q.subjectId, q.clientId, key],
      }),
      client.query<GateRecord>({
        name: 'gate-values',
        text: VALUES,
        values: [q.caseId, q.subjectId, q.types, null],
      }),
    ])
    const answer = context.rows[0]?.context
    if (!answer) throw new Error('the gate gave no context')
    return new OpenGate(client, q, locks.rows[0]?.mine === true, answer, values.rows)
  } catch (error) {
    await giveBack(client)
    throw error
  }
}

class OpenGate implements GateTransaction {
  readonly keyIsMine: boolean
  readonly context: GateContext
  readonly records: readonly GateRecord[]
  readonly #client: pg.PoolClient
  readonly #question: GateQuestion

  constructor(
    client: pg.PoolClient,
    question: GateQuestion,
    keyIsMine: boolean,
    context: GateContext,
    records: readonly GateRecord[],
  ) {
    this.#client = client
    this.#question = question
    this.keyIsMine = keyIsMine
    this.context = context
    this.records = records
  }

  async earlier(disclosureId: string): Promise<EarlierDecision> {
    const { caseId, subjectId, types } = this.#question
    const found = await this.#client.query<{ record_versions: object; under_review: boolean }>(
      EARLIER,
      [disclosureId],
    )
    const [row] = found.rows
    if (!row) throw new Error('the earlier disclosure is not there')
    const { rows: records } = await this.#client.query<GateRecord>({
      name: 'gate-values',
      text: VALUES,
      values: [caseId, subjectId, types, JSON.stringify(row.record_versions)],
    })
    return { records, underReview: row.under_review }
  }

  async keepSubjectKey(wrapped: Uint8Array, epoch: number) {
    const { caseId, subjectId, agencyId } = this.#question
    const mine = await this.#client.query(KEEP_KEY, [subjectId, agencyId, caseId, epoch, wrapped])
    // Nothing came back: somebody else's came first and has been committed, so the next statement sees it.
    const kept = mine.rows[0] ? mine : await this.#client.query(READ_KEY, [subjectId, agencyId])
    const row = kept.rows[0] as { wrapped: Buffer; key_epoch: number } | undefined
    if (!row) throw new Error('the subject key is not there')
    return { wrapped: row.wrapped, epoch: row.key_epoch }
  }

  async commit(write: GateWrite): Promise<void> {
    try {
      await settle([
        ...commitStatements(write).map((statement) => this.#client.query(statement)),
        this.#client.query('commit').then((result) => {
          // PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error.
          if (result.command !== 'COMMIT') throw new Error('the transaction was rolled back')
          return result
        }),
      ])
      this.#client.release()
    } catch (error) {
      await giveBack(this.#client)
      throw error
    }
  }

  rollback(): Promise<void> {
    return giveBack(this.#client)
  }
}

/** Waits for all, then throws the first failure: no query may be left unobserved on the connection. */
async function settle<Results extends readonly unknown[]>(
  queries: readonly [...{ [Index in keyof Results]: Promise<Results[Index]> }],
): Promise<Results> {
  const outcomes = await Promise.allSettled(queries as readonly Promise<unknown>[])
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return outcomes.map(
    (outcome) => (outcome as PromiseFulfilledResult<unknown>).value,
  ) as unknown as Results
}

async function giveBack(client: pg.PoolClient): Promise<void> {
  try {
    await client.query('rollback')
    client.release()
  } catch (error) {
    // A connection whose state is not known must not serve another agency.
    client.release(error instanceof Error ? error : true)
  }
}
