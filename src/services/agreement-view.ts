import type { Purpose } from '../domain/case/vocabulary.ts'
import type { AgreementEntry } from '../storage/agreements.ts'
import type { Tx } from '../storage/database.ts'
import type * as noticeStorage from '../storage/notices.ts'
import type { Caller } from './caller.ts'
import type { Runtime } from './runtime.ts'

/** An agreement as its parties see it; times are RFC 3339 in UTC. */
export interface AgreementView {
  readonly id: string
  readonly title: string
  readonly parties: readonly string[]
  readonly purposes: readonly Purpose[]
  readonly validFrom: string
  readonly validTo: string
  readonly documentRef: string
  readonly signatories: readonly string[]
  readonly scope?: string
  readonly terms: readonly string[]
  /** Changes of the sharing rules by one party need the approval of another. */
  readonly policyApproval?: 'other_agency'
  readonly terminatedAt?: string
  /** Parties that said they are bound, in the order in which they did. */
  readonly acceptances: readonly {
    readonly agencyId: string
    readonly acceptedAt: string
    readonly signatory?: string
  }[]
  /** Whether it holds now: every party has accepted, it has begun and it has not ended. */
  readonly inForce: boolean
}

/** An agreement as its parties see it at `now`. */
export function viewOf(entry: AgreementEntry, now: Date): AgreementView {
  const { validFrom, validTo, terminatedAt, scope, policyApproval, acceptances, ...rest } = entry
  const running = validFrom <= now && now < validTo && (terminatedAt === null || now < terminatedAt)
  return {
    ...rest,
    validFrom: validFrom.toISOString(),
    validTo: validTo.toISOString(),
    ...(scope === null ? {} : { scope }),
    ...(policyApproval === null ? {} : { policyApproval }),
    ...(terminatedAt === null ? {} : { terminatedAt: terminatedAt.toISOString() }),
    acceptances: acceptances.map(({ agencyId, acceptedAt, signatory }) => ({
      agencyId,
      acceptedAt: acceptedAt.toISOString(),
      ...(signatory === null ? {} : { signatory }),
    })),
    inForce: running && isAccepted(entry),
  }
}

/** Whether every party has said that it is bound (R130). */
export function isAccepted({
  parties,
  acceptances,
}: Pick<AgreementEntry, 'parties' | 'acceptances'>): boolean {
  return parties.every((party) => acceptances.some(({ agencyId }) => agencyId === party))
}

/** Tells the administrators of the other parties: nobody is bound, or let go, without hearing of it. */
export function tellOthers(
  {
    notices,
    runtime,
  }: {
    readonly notices: Pick<typeof noticeStorage, 'insertNotices'>
    readonly runtime: Pick<Runtime, 'now' | 'uuid'>
  },
  tx: Tx,
  { agencyId }: Pick<Caller, 'agencyId'>,
  { id, parties }: { readonly id: string; readonly parties: readonly string[] },
  type: 'agreement_recorded' | 'agreement_accepted' | 'agreement_terminated',
): Promise<void> {
  return notices.insertNotices(
    tx,
    parties
      .filter((party) => party !== agencyId)
      .map((party) => ({
        id: runtime.uuid(),
        agencyId: party,
        role: 'org_admin',
        type,
        urgency: '7d',
        refs: { agreementId: id },
      })),
    runtime.now(),
  )
}
