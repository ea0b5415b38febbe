import { OstiaryError } from '../errors.ts'
import type { Tx } from '../storage/database.ts'
import type { ApprovalEntry } from '../storage/policy-approvals.ts'
import type { DraftEntry } from '../storage/policy-drafts.ts'
import type { Caller } from './caller.ts'
import { draftView } from './draft-view.ts'
import { differenceOf } from './examine-draft.ts'
import {
  actorOf,
  type PolicyLifeDependencies,
  requireInForce,
  requireOpen,
  requireOrgAdmin,
  seenDraft,
  thumbprint,
} from './policy-life.ts'
import { calledBy } from './record-event.ts'
import type { VersionedDraft } from './write-draft.ts'

/**
 * Approves a draft: a second administrator signs `{ draftId, hash, diffHash }`, what the draft is and
 * what it changes against the version in force, which is found out anew here. Said twice, it changes
 * nothing.
 *
 * Throws `not_found`, `not_permitted`, `approver_not_allowed`, `state_conflict`, `draft_outdated`,
 * `draft_has_faults`, `draft_too_heavy`, `approval_signature_invalid`, and `version_conflict` when the
 * draft changed meanwhile.
 */
export function makeApproveDraft(deps: PolicyLifeDependencies) {
  return async (
    caller: Caller,
    id: string,
    { signature }: { readonly signature: string },
  ): Promise<VersionedDraft> => {
    const about = { operation: 'approvePolicyDraft', target: id }
    const { draft, base } = await deps.acting(caller, about, async (tx) => {
      const seen = await approvable(deps, tx, caller, id)
      return {
        draft: seen.draft,
        base: await deps.storage.findPolicyVersion(tx, seen.draft.basedOn),
      }
    })
    if (!base) throw new OstiaryError('draft_outdated')
    const { diffHash } = await differenceOf(deps.examiner, draft, base)
    return deps.acting(caller, about, async (tx) => {
      const { draft: now, jwk } = await approvable(deps, tx, caller, id)
      if (now.revision !== draft.revision) throw new OstiaryError('version_conflict')
      const payload = await deps.verifySignature(jwk, signature)
      if (!isFor(payload, { draftId: id, hash: now.hash, diffHash }))
        throw new OstiaryError('approval_signature_invalid')
      await record(deps, tx, caller, { draft: now, diffHash, signature, jwk })
      const approvals = await deps.storage.listApprovals(tx, [id])
      return { draft: draftView(now, approvals), version: now.version }
    })
  }
}

/** Whether a signed payload says exactly this. */
export function isFor(
  payload: Readonly<Record<string, unknown>> | undefined,
  signed: { readonly draftId: string; readonly hash: string; readonly diffHash: string },
): boolean {
  return Object.entries(signed).every(([member, value]) => payload?.[member] === value)
}

/**
 * The agreements that bind the authors' agencies to have their changes approved by another party, and
 * that none of these agencies satisfies.
 */
export async function unsatisfiedAgreements(
  { storage, runtime }: Pick<PolicyLifeDependencies, 'storage' | 'runtime'>,
  tx: Tx,
  draft: DraftEntry,
  approving: readonly string[],
): Promise<{ readonly bound: number; readonly open: number }> {
  const agencies = [...new Set(draft.authors.map(({ agencyId }) => agencyId))]
  const agreements = await storage.approversByAgreement(tx, agencies, runtime.now())
  const open = [...agreements.values()].filter(
    (approvers) => !approving.some((agencyId) => approvers.has(agencyId)),
  )
  return { bound: agreements.size, open: open.length }
}

/** The draft and the key that the caller signs with. */
async function approvable(
  deps: PolicyLifeDependencies,
  tx: Tx,
  caller: Caller,
  id: string,
): Promise<{ readonly draft: DraftEntry; readonly jwk: Record<string, unknown> }> {
  requireOrgAdmin(caller)
  const draft = await seenDraft(deps, tx, id)
  const { practitionerId } = actorOf(caller)
  const jwk = await deps.keyOf(tx, practitionerId)
  if (!jwk) throw refused('the approver has no registered key')
  const isAuthor = draft.authors.some(
    (author) => author.practitionerId === practitionerId || author.key === thumbprint(jwk),
  )
  if (isAuthor) throw refused('a second person has to approve')
  const { bound, open } = await unsatisfiedAgreements(deps, tx, draft, [caller.agencyId])
  if (bound > 0 && open === bound) throw refused('an agreement asks for another agency')
  requireOpen(draft)
  await requireInForce(deps, tx, draft)
  return { draft, jwk }
}

const refused = (detail: string): OstiaryError =>
  new OstiaryError('approver_not_allowed', { detail })

async function record(
  { storage, runtime, recordEvent }: PolicyLifeDependencies,
  tx: Tx,
  caller: Caller,
  given: Pick<ApprovalEntry, 'diffHash' | 'signature' | 'jwk'> & { readonly draft: DraftEntry },
): Promise<void> {
  const { draft, diffHash, signature, jwk } = given
  const { id: draftId, hash, revision } = draft
  const at = runtime.now()
  const approval = { ...actorOf(caller), draftId, revision, hash, diffHash, signature, jwk, at }
  if (!(await storage.insertApproval(tx, approval))) return
  await recordEvent(tx, {
    ...calledBy(caller),
    at,
    type: 'policy.draft_approved',
    public: { draftId, hash, diffHash },
    private: { signature },
  })
}
