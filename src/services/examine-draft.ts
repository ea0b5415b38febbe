import type { Comparison, Examination, PackSource } from '../domain/policy/examine-pack.ts'
import type { Json } from '../domain/log/canonical.ts'
import { OstiaryError } from '../errors.ts'
import type { DraftEntry } from '../storage/policy-drafts.ts'
import type { Caller } from './caller.ts'
import { hashOf, type PolicyLifeDependencies, seenDraft } from './policy-life.ts'
import type { PolicyExaminer } from './policy-examiner.ts'

/** What `check` finds. */
export interface DraftReport {
  readonly draftId: string
  readonly hash: string
  /** Whether it could be activated, as far as its content goes. */
  readonly sound: boolean
  readonly faults: Examination['faults']
  readonly tests: Examination['tests']
  /** Absent with faults: then nothing could be proven. */
  readonly proof?: NonNullable<Examination['sound']>['proof']
  /** What national law and practice set here, with where each value comes from. */
  readonly settings?: NonNullable<Examination['sound']>['settings']
}

/** What `diff` shows; `diffHash` is what an approval signs besides `hash`. */
export interface DraftDifference extends NonNullable<Comparison['difference']> {
  readonly draftId: string
  readonly hash: string
  readonly against: { readonly version: number; readonly hash: string }
  readonly diffHash: string
}

/** Finds out everything about a draft: faults, tests, guardrails. Throws `not_found`, `draft_too_heavy`. */
export function makeCheckDraft(deps: PolicyLifeDependencies) {
  return async (caller: Caller, id: string): Promise<DraftReport> => {
    const draft = await deps.reading(caller, { operation: 'checkPolicyDraft', target: id }, (tx) =>
      seenDraft(deps, tx, id),
    )
    const { faults, tests, sound } = await deps.examiner.examine(sourceOf(draft))
    const holds = sound?.proof.holds === true
    return {
      draftId: id,
      hash: draft.hash,
      sound: faults.length === 0 && tests.failed.length === 0 && holds,
      faults,
      tests,
      ...(sound ? { proof: sound.proof, settings: sound.settings } : {}),
    }
  }
}

/**
 * Says what a draft changes against a version, by default the one in force. Throws `not_found`,
 * `invalid_body` for an unknown version, `draft_has_faults`, `draft_too_heavy`.
 */
export function makeDiffDraft(deps: PolicyLifeDependencies) {
  return async (
    caller: Caller,
    id: string,
    { against }: { readonly against?: number },
  ): Promise<DraftDifference> => {
    const { draft, base } = await deps.reading(
      caller,
      { operation: 'diffPolicyDraft', target: id },
      async (tx) => {
        const seen = await seenDraft(deps, tx, id)
        const version = against ?? (await deps.storage.findActivePolicy(tx))?.version ?? 0
        return { draft: seen, base: await deps.storage.findPolicyVersion(tx, version) }
      },
    )
    if (!base)
      throw new OstiaryError('invalid_body', {
        errors: [{ pointer: '#/against', detail: 'is not a version' }],
      })
    return differenceOf(deps.examiner, draft, base)
  }
}

/** The difference that an approval is for. Throws `draft_has_faults`, `draft_too_heavy`. */
export async function differenceOf(
  examiner: Pick<PolicyExaminer, 'compare'>,
  draft: DraftEntry,
  base: BaseVersion,
): Promise<DraftDifference> {
  return describeDifference(await examiner.compare(sourceOf(base), sourceOf(draft)), draft, base)
}

/** The same of a comparison that was made. Throws `draft_has_faults`. */
export function describeDifference(
  { difference }: Comparison,
  { id: draftId, hash }: Pick<DraftEntry, 'id' | 'hash'>,
  base: BaseVersion,
): DraftDifference {
  if (!difference) throw new OstiaryError('draft_has_faults')
  const against = { version: base.version, hash: base.hash }
  const diffHash = hashOf(
    JSON.parse(JSON.stringify({ draftId, hash, against, difference })) as Json,
  )
  return { draftId, hash, against, ...difference, diffHash }
}

/** The version that a draft is compared with. */
export interface BaseVersion extends PackSource {
  readonly version: number
  readonly hash: string
}

/** Documents and tests alone. */
export function sourceOf({ documents, suites }: PackSource): PackSource {
  return { documents, suites }
}
