/**
 * Erasure of a person at one agency: keys and salts are destroyed, nothing of the log is touched. The
 * transaction's agency is the one at which it happens. Destroying needs the owner's rights, or a grant
 * of `erase_person`.
 */
import { sql } from 'kysely'
import type { Tx } from './database.ts'

/** In which case the person is; undefined when there is no such person, or it is not this role's to see. */
export async function findCaseOfPerson(tx: Tx, personId: string): Promise<string | undefined> {
  const row = await tx
    .selectFrom('case_person')
    .select('case_id')
    .where('id', '=', personId)
    .executeTakeFirst()
  return row?.case_id
}

/** What an erasure would destroy, and what stands against it. */
export interface Erasable {
  /** Events about the person that the agency caused and whose salts are there. */
  readonly events: readonly string[]
  /** Versions of the agency's records that lie under the person's key. */
  readonly versions: number
  readonly hasKey: boolean
  /** Duties of the agency about the person that nobody has met. */
  readonly openDuties: number
}

/** Read under the exclusive lock of the person, it is what `erasePerson` will find, but for new events. */
export async function readErasable(tx: Tx, personId: string): Promise<Erasable> {
  const { rows } = await sql<{ versions: number; key: boolean; duties: number }>`
    select
      (select count(*)::integer from record_version v where v.key_owner_id = ${personId} and v.agency_id = app_agency()
        and not exists (select from record_version_erased x where x.record_id = v.record_id and x.version = v.version)) as versions,
      exists (select from subject_key k where k.owner_id = ${personId} and k.agency_id = app_agency()) as key,
      (select count(*)::integer from duty d
        where d.subject_id = ${personId} and d.agency_id = app_agency() and d.state = 'open') as duties`.execute(
    tx,
  )
  const events = await sql<{ id: string }>`
    select id from erasable_events(${personId}) as e (id)`.execute(tx)
  const [row] = rows
  return {
    events: events.rows.map(({ id }) => id),
    versions: row?.versions ?? 0,
    hasKey: row?.key ?? false,
    openDuties: row?.duties ?? 0,
  }
}

/**
 * Destroys the person's key at the transaction's agency and the salts of `events`, and closes the
 * record versions that lay under the key. In one transaction with the event that vouches for it.
 *
 * @throws when no such event is there, or one of the events is not the agency's about this person
 */
export async function erasePerson(
  tx: Tx,
  erasure: {
    readonly personId: string
    readonly events: readonly string[]
    /** Event `erase.person_erased` of this transaction, and its time. */
    readonly erasedBy: string
    readonly at: Date
  },
): Promise<void> {
  const { personId, events, erasedBy, at } = erasure
  await sql`select from erase_person(${personId}, ${events}::uuid[], ${erasedBy}, ${at})`.execute(
    tx,
  )
}

/** Why an event of the transaction's agency cannot be opened any more. */
export type ProofLoss = 'erased' | 'retired'

/** For an event that is known to be the agency's own; undefined when it should be there. */
export async function findProofLoss(tx: Tx, eventId: string): Promise<ProofLoss | undefined> {
  const { rows } = await sql<{ loss: ProofLoss | null }>`
    select gate_proof_loss(${eventId}) as loss`.execute(tx)
  return rows[0]?.loss ?? undefined
}
