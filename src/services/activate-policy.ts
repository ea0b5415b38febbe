import { concernsSector } from '../domain/policy/changed-statements.ts'
import { policyVersionDigest } from '../domain/log/record-digest.ts'
import type { Examination, SoundPack } from '../domain/policy/examine-pack.ts'
import { OstiaryError } from '../errors.ts'
import type { Tx } from '../storage/database.ts'
import type * as locks from '../storage/locks.ts'
import type { ApprovalEntry } from '../storage/policy-approvals.ts'
import type { DraftEntry } from '../storage/policy-drafts.ts'
import { isFor, unsatisfiedAgreements } from './approve-draft.ts'
import type { Caller } from './caller.ts'
import { type DraftDifference, describeDifference, sourceOf } from './examine-draft.ts'
import {
  actorOf,
  type PolicyLifeDependencies,
  requireInForce,
  requireOpen,
  requireOrgAdmin,
  seenDraft,
  tellAgencies,
} from './policy-life.ts'
import { type VersionView, versionView } from './policy-history.ts'
import type { PolicyExaminer } from './policy-examiner.ts'
import { calledBy } from './record-event.ts'

export interface ActivateDependencies extends PolicyLifeDependencies {
  readonly locks: Pick<typeof locks, 'lockExclusive'>
  /** Finds out anew, every time. */
  readonly examineAgainst: PolicyExaminer['examineAgainst']
}

/**
 * Puts a draft in force as the next version. Faults, tests, guardrails and the difference are found out
 * anew, before the lock; under it everything that can change is looked at again, so that what was
 * approved, what was proven and what comes into force are one content. With the answer no decision
 * under the old version can commit any more, on whatever node.
 *
 * Throws `not_found`, `not_permitted`, `state_conflict`, `draft_outdated`, `draft_not_approved`,
 * `comment_period_open`, `draft_has_faults`, `draft_tests_fail`, `draft_guardrail_broken`,
 * `draft_too_heavy`, `version_conflict` (the draft changed meanwhile).
 */
export function makeActivatePolicy(deps: ActivateDependencies) {
  return async (caller: Caller, id: string): Promise<VersionView> => {
    const about = { operation: 'activatePolicyDraft', target: id }
    const { draft, base } = await deps.acting(caller, about, async (tx) => {
      const seen = await activatable(deps, tx, caller, id)
      return { draft: seen, base: await deps.storage.findPolicyVersion(tx, seen.basedOn) }
    })
    if (!base) throw new OstiaryError('draft_outdated')
    const found = await deps.examineAgainst(sourceOf(base), sourceOf(draft))
    const sound = soundPack(found.examination)
    const difference = describeDifference(found.comparison, draft, base)
    return deps.acting(caller, about, async (tx) => {
      // Waits for the decisions under way, and lets none begin before this has committed.
      await deps.locks.lockExclusive(tx, ['policy'])
      const now = await activatable(deps, tx, caller, id)
      if (now.revision !== draft.revision) throw new OstiaryError('version_conflict')
      await requireApproval(deps, tx, now, difference)
      await requireHeard(deps, tx, now, difference)
      return activate(deps, tx, caller, now, sound)
    })
  }
}

async function activatable(
  deps: ActivateDependencies,
  tx: Tx,
  caller: Caller,
  id: string,
): Promise<DraftEntry> {
  requireOrgAdmin(caller)
  const draft = await seenDraft(deps, tx, id)
  requireOpen(draft)
  await requireInForce(deps, tx, draft)
  if ((await approvalsOf(deps, tx, draft)).length === 0)
    throw new OstiaryError('draft_not_approved')
  return draft
}

function soundPack({ faults, tests, sound }: Examination): SoundPack {
  if (faults.length > 0 || !sound) throw new OstiaryError('draft_has_faults')
  if (tests.failed.length > 0) throw new OstiaryError('draft_tests_fail')
  if (!sound.proof.holds) throw new OstiaryError('draft_guardrail_broken')
  return sound
}

/** Those for the content of today. */
async function approvalsOf(
  { storage }: ActivateDependencies,
  tx: Tx,
  { id, revision, hash }: DraftEntry,
): Promise<readonly ApprovalEntry[]> {
  const approvals = await storage.listApprovals(tx, [id])
  return approvals.filter((one) => one.revision === revision && one.hash === hash)
}

/**
 * Signatures are verified again: what the table says is not taken for it. Nor does the approval of
 * somebody count who has left, was suspended or has another key since.
 */
async function requireApproval(
  deps: ActivateDependencies,
  tx: Tx,
  draft: DraftEntry,
  { diffHash }: DraftDifference,
): Promise<void> {
  const valid: ApprovalEntry[] = []
  const standing = await deps.storage.standingApprovers(tx, draft.id)
  for (const approval of await approvalsOf(deps, tx, draft)) {
    if (!standing.has(approval.practitionerId)) continue
    const payload = await deps.verifySignature(approval.jwk, approval.signature)
    if (isFor(payload, { draftId: draft.id, hash: draft.hash, diffHash })) valid.push(approval)
  }
  if (valid.length === 0) throw new OstiaryError('draft_not_approved')
  const approving = valid.map(({ agencyId }) => agencyId)
  const { open } = await unsatisfiedAgreements(deps, tx, draft, approving)
  if (open > 0)
    throw new OstiaryError('draft_not_approved', {
      detail: 'an agreement asks for the approval of another agency',
    })
}

/**
 * A time for comments that was stated has passed; and where rules to or from perpetrator programmes
 * change, there was one, of which a victim support service was told, if one takes part (R137).
 */
async function requireHeard(
  { storage, runtime }: ActivateDependencies,
  tx: Tx,
  draft: DraftEntry,
  { statements }: DraftDifference,
): Promise<void> {
  const isOpened = draft.openedRevision === draft.revision && draft.commentUntil !== null
  if (isOpened && draft.commentUntil > runtime.now()) throw new OstiaryError('comment_period_open')
  if (!concernsSector(statements, 'perpetrator_programme')) return
  const support = (await storage.listAgenciesToTell(tx)).some(
    ({ sector }) => sector === 'victim_support',
  )
  if (support && !(isOpened && draft.supportTold))
    throw new OstiaryError('comment_period_open', {
      detail: 'rules to or from perpetrator programmes change: open the draft for comment first',
    })
}

async function activate(
  deps: ActivateDependencies,
  tx: Tx,
  caller: Caller,
  draft: DraftEntry,
  { hash, documents }: SoundPack,
): Promise<VersionView> {
  const at = deps.runtime.now()
  const { id: draftId, revision, hash: content, basedOn, reactivates } = draft
  const by = actorOf(caller)
  const version = await deps.storage.activateDraft(tx, {
    ...{ draftId, revision, content, hash, documents, by, at },
  })
  if (version === undefined) throw new OstiaryError('version_conflict')
  const entry = await deps.storage.findPolicyHistory(tx, version)
  if (!entry) throw new Error('the version that was just stored is not there')
  await deps.recordEvent(tx, {
    ...calledBy(caller),
    at,
    type: 'policy.activated',
    public: {
      ...{ version, hash, draftId, basedOn },
      ...(reactivates === null ? {} : { reactivates }),
    },
    private: { versionDigest: policyVersionDigest({ ...entry, suites: draft.suites }) },
  })
  await tellAgencies(deps, tx, {
    type: 'policy_activated',
    refs: { version: String(version), draftId },
    except: caller.agencyId,
    at,
  })
  return versionView(entry, version)
}
