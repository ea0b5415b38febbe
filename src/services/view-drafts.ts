import type { DraftEntry } from '../storage/policy-drafts.ts'
import type { Caller } from './caller.ts'
import { type DraftSummary, draftSummary, draftView } from './draft-view.ts'
import { type PolicyLifeDependencies, seenDraft } from './policy-life.ts'
import type { VersionedDraft } from './write-draft.ts'

/** Place in a list that goes by time. */
export interface TimePosition {
  readonly at: Date
  readonly id: string
}

/** One draft with its texts. Throws `not_found` for one that the caller may not know of, too. */
export function makeViewDraft(deps: PolicyLifeDependencies) {
  return (caller: Caller, id: string): Promise<VersionedDraft> =>
    deps.reading(caller, { operation: 'getPolicyDraft', target: id }, async (tx) => {
      const draft = await seenDraft(deps, tx, id)
      const approvals = await deps.storage.listApprovals(tx, [id])
      return { draft: draftView(draft, approvals), version: draft.version }
    })
}

/** The drafts that the caller may know of, newest first. */
export function makeListDrafts(deps: PolicyLifeDependencies) {
  return (
    caller: Caller,
    filter: {
      readonly state?: DraftEntry['state']
      readonly after?: TimePosition
      readonly limit: number
    },
  ): Promise<{ items: DraftSummary[]; last: TimePosition | undefined }> =>
    deps.reading(caller, { operation: 'listPolicyDrafts' }, async (tx) => {
      const rows = await deps.storage.listDraftRows(tx, filter)
      const approvals = await deps.storage.listApprovals(
        tx,
        rows.map(({ id }) => id),
      )
      const end = rows.at(-1)
      return {
        items: rows.map((row) => draftSummary(row, approvals)),
        last: end && { at: end.createdAt, id: end.id },
      }
    })
}
