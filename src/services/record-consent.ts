import type { Catalogue, Party } from '../domain/catalogue/types.ts'
import { type CaseView, hearsConsentOf } from '../domain/case/case-view.ts'
import { isPerpetratorSide, partiesOf } from '../domain/case/parties.ts'
import {
  checkConsent,
  type ConsentItem,
  type ConsentStatement,
} from '../domain/consent/check-consent.ts'
import { consentEnd } from '../domain/consent/consent-period.ts'
import type { Json } from '../domain/log/canonical.ts'
import { consentDigest } from '../domain/log/record-digest.ts'
import { OstiaryError } from '../errors.ts'
import type * as agencies from '../storage/agencies.ts'
import type * as cases from '../storage/cases.ts'
import type * as consents from '../storage/consents.ts'
import type { Circumstances, ConsentEntry } from '../storage/consents.ts'
import type { Tx } from '../storage/database.ts'
import type * as idempotency from '../storage/idempotency.ts'
import type { IdempotencyClaim } from '../storage/idempotency.ts'
import type * as locks from '../storage/locks.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import { requireCase, requireCaseWork, requirePerson } from './case-access.ts'
import { consentView, type ConsentView } from './consent-view.ts'
import { once } from './idempotent.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** A consent as a request states it; fields are selectors. */
export interface NewConsent extends ConsentStatement, Circumstances {
  readonly caseId: string
  /** Who consents. */
  readonly subjectId: string
  readonly language: string
  readonly noticeVersion: string
  readonly evidenceRef: string
  /** RFC 3339; absent: in six months. */
  readonly expiresAt?: string
}

export interface ConsentDependencies {
  readonly acting: Acting
  readonly catalogue: Catalogue
  readonly storage: Pick<typeof cases, 'readCase'> &
    Pick<typeof consents, 'findConsent' | 'insertConsent'> &
    Pick<typeof agencies, 'existingAgencies'> &
    Pick<typeof idempotency, 'claimKey' | 'storeKey'>
  readonly locks: Pick<typeof locks, 'lockShared'>
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
}

/**
 * Records what a person has consented to, item by item. A repeated request gets the same consent.
 *
 * Throws, with nothing written: `unknown_field`, `selector_matches_nothing`, `consent_bundled`,
 * `consent_coerced`, `consent_not_explicit`, `consent_recipient_too_wide`, `validity_window_invalid`
 * (the end is past, or more than two years off), `invalid_body` (a recipient that is no agency),
 * `idempotency_key_in_progress`, `idempotency_key_reused`. Audited: `not_permitted`, `not_found` (a
 * case or person that is not the caller's to know; for the perpetrator's side also victim and child,
 * whoever brought them).
 */
export function makeRecordConsent(deps: ConsentDependencies) {
  return async (
    caller: Caller,
    stated: NewConsent,
    claim: IdempotencyClaim,
  ): Promise<ConsentView> => {
    requireConsent(deps, stated, [])
    const { caseId, subjectId } = stated
    const operation = 'recordConsent'
    return deps.acting(caller, { operation, caseId, subjectId }, async (tx) => {
      requireCaseWork(caller)
      await deps.locks.lockShared(tx, [`case:${caseId}`, `person:${subjectId}`])
      const view = await requireCase(tx, deps.storage, caller, caseId)
      const parties = requireHearing(view, subjectId)
      return once(
        tx,
        deps.storage,
        { operation, claim },
        {
          make: async () => {
            const result = await record(deps, tx, caller, stated, parties)
            return { id: result.id, result }
          },
          again: async (id) => {
            const entry = await deps.storage.findConsent(tx, id)
            if (!entry) throw new OstiaryError('not_found')
            await recordView(deps, tx, caller, entry)
            return consentView(entry, deps.runtime.now())
          },
        },
      )
    })
  }
}

/** A consent that the caller's agency recorded, with its state now; reading it is an event. Throws `not_found`. */
export function makeViewConsent(
  deps: Pick<ConsentDependencies, 'acting' | 'storage' | 'recordEvent' | 'runtime'>,
) {
  return (caller: Caller, id: string): Promise<ConsentView> =>
    deps.acting(caller, { operation: 'getConsent', target: id }, async (tx) => {
      const entry = await deps.storage.findConsent(tx, id)
      if (entry?.recordedBy !== caller.agencyId) throw new OstiaryError('not_found')
      await recordView(deps, tx, caller, entry)
      return consentView(entry, deps.runtime.now())
    })
}

/** Writes down that a consent was read. */
export function recordView(
  { recordEvent }: { readonly recordEvent: RecordEvent },
  tx: Tx,
  caller: Caller,
  { id, caseId, subjectId }: Pick<ConsentEntry, 'id' | 'caseId' | 'subjectId'>,
): Promise<unknown> {
  return recordEvent(tx, {
    ...calledBy(caller),
    type: 'consult.consent_viewed',
    caseId,
    subjectId,
    public: { consentId: id },
    private: {},
  })
}

/** The items with field ids. Throws what is wrong with the consent. */
function requireConsent(
  { catalogue }: ConsentDependencies,
  stated: NewConsent,
  parties: readonly Party[],
): readonly ConsentItem[] {
  const checked = checkConsent(catalogue, stated, parties)
  if (checked.ok) return checked.items
  const { code, errors } = checked.fault
  throw new OstiaryError(code, { errors })
}

/** The parties of a person from whom the agency may take down a consent. */
function requireHearing(view: CaseView, subjectId: string): readonly Party[] {
  const { roles } = requirePerson(view, subjectId)
  const { actsFor } = view.own
  if (!hearsConsentOf(actsFor, roles)) {
    if (isPerpetratorSide([actsFor])) throw new OstiaryError('not_found')
    throw new OstiaryError('not_permitted', { detail: 'the agency acts for the other party' })
  }
  return partiesOf(roles)
}

async function record(
  deps: ConsentDependencies,
  tx: Tx,
  caller: Caller,
  stated: NewConsent,
  parties: readonly Party[],
): Promise<ConsentView> {
  const items = requireConsent(deps, stated, parties)
  await requireRecipients(deps, tx, items)
  const givenAt = deps.runtime.now()
  const expiresAt = consentEnd(
    givenAt,
    stated.expiresAt === undefined ? undefined : new Date(stated.expiresAt),
  )
  if (!expiresAt) throw new OstiaryError('validity_window_invalid')
  const { caseId, subjectId, explicit, language, noticeVersion, evidenceRef } = stated
  const entry: Omit<ConsentEntry, 'withdrawnAt'> = {
    id: deps.runtime.uuid(),
    caseId,
    subjectId,
    recordedBy: caller.agencyId,
    practitionerId: caller.practitionerId ?? null,
    items,
    explicit,
    language,
    noticeVersion,
    evidenceRef,
    circumstances: circumstancesOf(stated),
    givenAt,
    expiresAt,
  }
  await deps.storage.insertConsent(tx, entry)
  await deps.recordEvent(tx, {
    ...calledBy(caller),
    at: givenAt,
    type: 'consent.recorded',
    caseId,
    subjectId,
    public: {
      consentId: entry.id,
      items: items as unknown as Json,
      expiresAt: expiresAt.toISOString(),
    },
    private: { consentDigest: consentDigest(entry) },
  })
  return consentView({ ...entry, withdrawnAt: null }, givenAt)
}

async function requireRecipients(
  { storage }: ConsentDependencies,
  tx: Tx,
  items: readonly ConsentItem[],
): Promise<void> {
  const named = items.map(({ recipient }) => ('agencyId' in recipient ? recipient.agencyId : null))
  const known = await storage.existingAgencies(
    tx,
    named.filter((id) => id !== null),
  )
  const errors = named.flatMap((id, index) =>
    id === null || known.has(id)
      ? []
      : [
          {
            pointer: `#/items/${index}/recipient/agencyId`,
            detail: 'is not an agency of the directory',
          },
        ],
  )
  if (errors.length > 0) throw new OstiaryError('invalid_body', { errors })
}

function circumstancesOf(stated: NewConsent): Circumstances {
  const { separate, conditionOfService, coercionChecked, inAbsenceOfOtherParty } = stated
  const { capacityCheckedBy, interpreterId } = stated
  return {
    separate,
    conditionOfService,
    coercionChecked,
    inAbsenceOfOtherParty,
    ...(capacityCheckedBy === undefined ? {} : { capacityCheckedBy }),
    ...(interpreterId === undefined ? {} : { interpreterId }),
  }
}
