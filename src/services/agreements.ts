import type { Purpose } from '../domain/case/vocabulary.ts'
import { agreementDigest } from '../domain/log/record-digest.ts'
import { OstiaryError } from '../errors.ts'
import type * as agencies from '../storage/agencies.ts'
import type * as agreements from '../storage/agreements.ts'
import type { Tx } from '../storage/database.ts'
import type * as locks from '../storage/locks.ts'
import type * as notices from '../storage/notices.ts'
import type { Acting } from './acting.ts'
import { requireAdministrator } from './administration.ts'
import { type AgreementView, tellOthers, viewOf } from './agreement-view.ts'
import type { Caller } from './caller.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** A written agreement as it is stated. Ends are days or times; a day stands for its first moment in UTC. */
export interface AgreementStatement {
  readonly title: string
  readonly parties: readonly string[]
  readonly purposes: readonly Purpose[]
  readonly validFrom: string
  readonly validTo: string
  readonly documentRef: string
  readonly signatories: readonly string[]
  /** Whom and what it covers, in words. */
  readonly scope?: string
  /** What the parties owe each other, one sentence each. */
  readonly terms?: readonly string[]
  /** Changes of the sharing rules by one party need the approval of another. */
  readonly policyApproval?: 'other_agency'
}

export interface AgreementDependencies {
  /** Lets the agency's own software act with nobody named. */
  readonly administering: Acting
  readonly storage: typeof agreements & Pick<typeof agencies, 'existingAgencies' | 'findAgency'>
  readonly notices: Pick<typeof notices, 'insertNotices'>
  readonly locks: Pick<typeof locks, 'lockExclusive'>
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
}

/**
 * Records an agreement; a party or the operator does, and the other parties are told. It opens nothing
 * before each of them has accepted; a party that records it has. Throws
 * `not_permitted`, `validity_window_invalid`, `invalid_body` for a party that is no agency.
 */
export function makeRecordAgreement(deps: AgreementDependencies) {
  return (caller: Caller, statement: AgreementStatement): Promise<AgreementView> =>
    deps.administering(caller, { operation: 'createAgreement' }, async (tx) => {
      requireAdministrator(caller)
      await requireParty(deps, tx, caller, statement.parties)
      const validFrom = new Date(statement.validFrom)
      const validTo = new Date(statement.validTo)
      if (validFrom >= validTo) throw new OstiaryError('validity_window_invalid')
      await requireAgencies(deps, tx, statement.parties)
      const at = deps.runtime.now()
      const id = deps.runtime.uuid()
      const purposes = [...new Set(statement.purposes)]
      const { scope = null, terms = [], policyApproval = null } = statement
      const stated = { scope, terms, policyApproval }
      const agreement = { ...statement, ...stated, id, purposes, validFrom, validTo }
      await deps.storage.insertAgreement(tx, agreement, { agencyId: caller.agencyId, at })
      const acceptances = agreement.parties.includes(caller.agencyId)
        ? [{ agencyId: caller.agencyId, acceptedAt: at, signatory: null }]
        : []
      for (const own of acceptances) await deps.storage.insertAcceptance(tx, id, own)
      await tellOthers(deps, tx, caller, agreement, 'agreement_recorded')
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'agreement.created',
        public: {
          agreementId: id,
          parties: agreement.parties,
          purposes,
          validFrom: validFrom.toISOString(),
          validTo: validTo.toISOString(),
          policyApproval,
        },
        private: {
          agreementDigest: agreementDigest({ ...agreement, createdBy: caller.agencyId }),
        },
      })
      return viewOf({ ...agreement, terminatedAt: null, acceptances }, at)
    })
}

/** One agreement of the caller's. Throws `not_found`. */
export function makeViewAgreement(deps: AgreementDependencies) {
  return (caller: Caller, id: string): Promise<AgreementView> =>
    deps.administering(caller, { operation: 'getAgreement', target: id }, async (tx) => {
      const entry = await deps.storage.findAgreement(tx, id)
      if (!entry) throw new OstiaryError('not_found')
      return viewOf(entry, deps.runtime.now())
    })
}

/** A page of the caller's agreements, in force or not; `last` is the id of its last one. */
export function makeListAgreements(deps: AgreementDependencies) {
  return (
    caller: Caller,
    filter: { readonly after?: string; readonly limit: number },
  ): Promise<{ items: AgreementView[]; last: string | undefined }> =>
    deps.administering(caller, { operation: 'listAgreements' }, async (tx) => {
      const entries = await deps.storage.listAgreementEntries(tx, filter)
      const now = deps.runtime.now()
      return { items: entries.map((entry) => viewOf(entry, now)), last: entries.at(-1)?.id }
    })
}

/**
 * Ends an agreement early, now or at a later time. Holds the lock of every party exclusively: nothing
 * that needs the agreement commits once an end that is due has committed. So a party also declines
 * what it has not accepted. An end can be brought forward and never put off; asked for again, it changes nothing.
 *
 * Throws `not_found`, `not_permitted`, `validity_window_invalid` (a time in the past),
 * `state_conflict` (it has run out by itself).
 */
export function makeTerminateAgreement(deps: AgreementDependencies) {
  return (
    caller: Caller,
    id: string,
    { at, reason }: { readonly at?: string; readonly reason?: string },
  ): Promise<AgreementView> =>
    deps.administering(caller, { operation: 'terminateAgreement', target: id }, async (tx) => {
      requireAdministrator(caller)
      const seen = await deps.storage.findAgreement(tx, id)
      if (!seen) throw new OstiaryError('not_found')
      await deps.locks.lockExclusive(
        tx,
        seen.parties.map((party) => `agency:${party}` as const),
      )
      const entry = (await deps.storage.findAgreement(tx, id)) ?? seen
      const now = deps.runtime.now()
      const end = at === undefined ? now : new Date(at)
      if (end < now) throw new OstiaryError('validity_window_invalid')
      if (entry.terminatedAt && entry.terminatedAt <= end) return viewOf(entry, now)
      if (entry.validTo <= end)
        throw new OstiaryError('state_conflict', { detail: 'it runs out before that' })
      await deps.storage.endAgreement(tx, id, {
        at: end,
        now: end <= now,
        reason: reason ?? null,
      })
      // Of an end that has come, the clock tells everybody.
      if (end > now) await tellOthers(deps, tx, caller, entry, 'agreement_terminated')
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at: now,
        type: 'agreement.terminated',
        public: {
          agreementId: id,
          parties: entry.parties,
          validTo: {
            from: (entry.terminatedAt ?? entry.validTo).toISOString(),
            to: end.toISOString(),
          },
          terminatedAt: end.toISOString(),
        },
        private: {},
      })
      return viewOf({ ...entry, terminatedAt: end }, now)
    })
}

async function requireParty(
  { storage }: AgreementDependencies,
  tx: Tx,
  { agencyId }: Caller,
  parties: readonly string[],
): Promise<void> {
  if (parties.includes(agencyId)) return
  const own = await storage.findAgency(tx, agencyId)
  if (!own?.operator) throw new OstiaryError('not_permitted')
}

async function requireAgencies(
  { storage }: AgreementDependencies,
  tx: Tx,
  parties: readonly string[],
): Promise<void> {
  const known = await storage.existingAgencies(tx, parties)
  const errors = parties.flatMap((id, index) =>
    known.has(id)
      ? []
      : [{ pointer: `#/parties/${index}`, detail: 'is not an agency of the directory' }],
  )
  if (errors.length > 0) throw new OstiaryError('invalid_body', { errors })
}
