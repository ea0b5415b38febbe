import type { Reviewed } from '../domain/disclosure/reviewed.ts'
import { OstiaryError } from '../errors.ts'
import type * as disclosures from '../storage/disclosures.ts'
import type { Tx } from '../storage/database.ts'
import type { Vault } from '../vault/vault.ts'
import type { WrappedSubjectKey } from '../vault/key-ring.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import type { Runtime } from './runtime.ts'
import type { DiscloseFields, DisclosureRequest, DisclosureResult } from './disclose-fields.ts'

export interface ReleaseDependencies {
  readonly acting: Acting
  readonly storage: Pick<typeof disclosures, 'findDisclosure' | 'tasksOfDisclosure'>
  readonly vault: Vault
  readonly subjectKeyOf: (
    tx: Tx,
    ownerId: string,
    agencyId: string,
  ) => Promise<WrappedSubjectKey | undefined>
  readonly discloseFields: DiscloseFields
  readonly runtime: Pick<Runtime, 'now'>
}

/**
 * How long an approval lasts, in milliseconds: 7 days. Whoever approved has looked at the case as it
 * was then; later somebody has to look again.
 */
const APPROVAL_LASTS = 7 * 86_400_000

/**
 * Asks again for what waited for a person: the same request, decided anew at this moment with the
 * approvals as facts, so that whatever stopped it meanwhile stops it (S4). Throws `not_found`,
 * `review_not_open` (nothing of it was under review), `state_conflict` (undecided, refused by all, or
 * approved too long ago), and what a disclosure throws.
 */
export function makeReleaseDisclosure(deps: ReleaseDependencies) {
  return async (caller: Caller, id: string): Promise<DisclosureResult> => {
    const { request, reviewed } = await deps.acting(
      caller,
      { operation: 'releaseDisclosure', target: id },
      (tx) => reviewedRequest(deps, tx, id),
    )
    return deps.discloseFields(caller, request, {
      kind: 'disclosure',
      release: { of: id, ...reviewed },
    })
  }
}

async function reviewedRequest(
  deps: ReleaseDependencies,
  tx: Tx,
  id: string,
): Promise<{ request: DisclosureRequest; reviewed: Reviewed }> {
  const row = await deps.storage.findDisclosure(tx, id)
  if (!row) throw new OstiaryError('not_found')
  if (!row.under_review) throw new OstiaryError('review_not_open')
  const tasks = await tasksBefore(deps, tx, row)
  if (tasks.some(({ state }) => state === 'open' || state === 'overdue'))
    throw new OstiaryError('state_conflict', { detail: 'the review is not decided yet' })
  const agencies = [...new Set(tasks.map((task) => task.agency_id))]
  const refusedBy = agencies.filter((agency) =>
    tasks.some((task) => task.agency_id === agency && task.state === 'refused'),
  )
  const approvedBy = agencies.filter((agency) => !refusedBy.includes(agency))
  if (approvedBy.length === 0)
    throw new OstiaryError('state_conflict', { detail: 'the review was refused' })
  const oldest = deps.runtime.now().getTime() - APPROVAL_LASTS
  const lasting = tasks.every(
    (task) => !approvedBy.includes(task.agency_id) || Number(task.decided_at) >= oldest,
  )
  if (!lasting)
    throw new OstiaryError('state_conflict', { detail: 'the approval is too old; ask again' })
  return {
    request: await requestOf(deps, tx, row),
    reviewed: { approvedBy, refusedBy, records: new Set(Object.keys(row.record_versions)) },
  }
}

/** The tasks of a request; a repeated one has those of the first. */
async function tasksBefore(
  { storage }: ReleaseDependencies,
  tx: Tx,
  row: { readonly id: string; readonly replay_of: string | null },
) {
  const of = async (id: string) =>
    (await storage.tasksOfDisclosure(tx, id)).filter(({ kind }) => kind === 'before')
  const own = await of(row.id)
  return own.length === 0 && row.replay_of ? of(row.replay_of) : own
}

async function requestOf(
  { vault, subjectKeyOf }: ReleaseDependencies,
  tx: Tx,
  row: NonNullable<Awaited<ReturnType<typeof disclosures.findDisclosure>>>,
): Promise<DisclosureRequest> {
  const notes: Record<string, string> = {}
  if (row.notes_sealed && row.notes_key) {
    const key = await subjectKeyOf(tx, row.subject_id, row.agency_id)
    const ref = {
      kind: 'disclosure_notes',
      id: row.id,
      ownerId: row.subject_id,
      agencyId: row.agency_id,
    } as const
    const text = { sealed: row.notes_sealed, wrappedKey: row.notes_key }
    const opened = vault.openText(ref, key ?? null, text)
    if (opened.opened) Object.assign(notes, opened.value)
  }
  const { justification, ethicsNote, exceptionNote } = notes
  return {
    caseId: row.case_id,
    subjectId: row.subject_id,
    purpose: row.purpose,
    fields: row.requested,
    seal: row.sealed,
    ...(justification === undefined ? {} : { justification }),
    ...(ethicsNote === undefined ? {} : { ethicsNote }),
    ...(row.exception
      ? {
          exception: {
            code: row.exception as NonNullable<DisclosureRequest['exception']>['code'],
            note: exceptionNote ?? '',
          },
        }
      : {}),
  }
}
