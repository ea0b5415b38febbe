import { OstiaryError } from '../errors.ts'
import type { CommentEntry } from '../storage/policy-comments.ts'
import type { Caller } from './caller.ts'
import { draftView } from './draft-view.ts'
import {
  actorOf,
  ownOpenDraft,
  type PolicyLifeDependencies,
  requireOpen,
  requireOrgAdmin,
  seenDraft,
  tellAgencies,
} from './policy-life.ts'
import { calledBy } from './record-event.ts'
import type { TimePosition } from './view-drafts.ts'
import type { VersionedDraft } from './write-draft.ts'

/** A comment as everybody sees it who sees the draft. */
export interface CommentView {
  readonly id: string
  readonly agencyId: string
  readonly practitionerId: string
  readonly text: string
  /** Whether it is about the content of today. */
  readonly current: boolean
  readonly createdAt: string
}

/** Comments of one agency on one draft. */
const MOST_COMMENTS = 100

/** Longest time for comments: a year. */
const LONGEST = 366 * 86_400_000

/**
 * Opens an own draft for comment (R132): every agency that may read policies sees it from now on, and
 * its administrators are told. Done again, it sets the end anew, and never earlier than the shortest
 * time that the server gives. Throws `not_found`, `not_permitted`, `state_conflict`,
 * `version_conflict`, `validity_window_invalid`.
 */
export function makeOpenForComment(deps: PolicyLifeDependencies) {
  return (
    caller: Caller,
    id: string,
    { until }: { readonly until?: string },
  ): Promise<VersionedDraft> =>
    deps.acting(caller, { operation: 'openPolicyDraft', target: id }, async (tx) => {
      requireOrgAdmin(caller)
      const draft = await ownOpenDraft(deps, tx, caller, id)
      const at = deps.runtime.now()
      const earliest = new Date(at.getTime() + deps.commentPeriod)
      const end = until === undefined ? earliest : new Date(until)
      if (end < earliest || end.getTime() > at.getTime() + LONGEST)
        throw new OstiaryError('validity_window_invalid', {
          detail: 'the end is earlier, or much later, than the server allows',
        })
      const { support } = await tellAgencies(deps, tx, {
        type: 'policy_draft_opened',
        refs: { draftId: id },
        except: caller.agencyId,
        at,
        dueAt: end,
      })
      const opened = { until: end, supportTold: support }
      if (!(await deps.storage.changeDraft(tx, draft, { at, opened })))
        throw new OstiaryError('version_conflict')
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'policy.draft_opened',
        public: { draftId: id, hash: draft.hash, commentUntil: end.toISOString() },
        private: {},
      })
      const now = await seenDraft(deps, tx, id)
      return {
        draft: draftView(now, await deps.storage.listApprovals(tx, [id])),
        version: now.version,
      }
    })
}

/**
 * Says something to a draft that was opened for comment, also after the time for it. Throws
 * `not_found` for one that was not, `state_conflict` for one that is closed or has heard enough.
 */
export function makeCommentOnDraft(deps: PolicyLifeDependencies) {
  return (caller: Caller, id: string, { text }: { readonly text: string }): Promise<CommentView> =>
    deps.acting(caller, { operation: 'commentOnPolicyDraft', target: id }, async (tx) => {
      const draft = await seenDraft(deps, tx, id)
      if (draft.openedAt === null) throw new OstiaryError('not_found')
      requireOpen(draft)
      const actor = actorOf(caller)
      if ((await deps.storage.countComments(tx, id, caller.agencyId)) >= MOST_COMMENTS)
        throw new OstiaryError('state_conflict', { detail: 'the agency has commented enough' })
      const at = deps.runtime.now()
      const { revision } = draft
      const comment = { ...actor, id: deps.runtime.uuid(), draftId: id, revision, text, at }
      await deps.storage.insertComment(tx, comment)
      // What was said is kept with the draft; the log, which never forgets, only holds that it was.
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'policy.draft_commented',
        public: { draftId: id, commentId: comment.id },
        private: {},
      })
      return commentView(comment, revision)
    })
}

/** What was said to a draft, the oldest first. Throws `not_found`. */
export function makeListComments(deps: PolicyLifeDependencies) {
  return (
    caller: Caller,
    id: string,
    filter: { readonly after?: TimePosition; readonly limit: number },
  ): Promise<{ items: CommentView[]; last: TimePosition | undefined }> =>
    deps.reading(caller, { operation: 'listPolicyDraftComments', target: id }, async (tx) => {
      const { revision } = await seenDraft(deps, tx, id)
      const rows = await deps.storage.listComments(tx, id, filter)
      const end = rows.at(-1)
      return {
        items: rows.map((row) => commentView(row, revision)),
        last: end && { at: end.at, id: end.id },
      }
    })
}

function commentView(comment: CommentEntry, revision: number): CommentView {
  const { id, agencyId, practitionerId, text, at } = comment
  const current = comment.revision === revision
  return { id, agencyId, practitionerId, text, current, createdAt: at.toISOString() }
}
