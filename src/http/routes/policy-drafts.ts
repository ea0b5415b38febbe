import type { makeActivatePolicy } from '../../services/activate-policy.ts'
import type { makeApproveDraft } from '../../services/approve-draft.ts'
import type {
  makeCommentOnDraft,
  makeListComments,
  makeOpenForComment,
} from '../../services/comment-on-draft.ts'
import type { makeCheckDraft, makeDiffDraft } from '../../services/examine-draft.ts'
import type { makeReactivatePolicy } from '../../services/policy-history.ts'
import type { makeListDrafts, makeViewDraft } from '../../services/view-drafts.ts'
import type {
  DraftStatement,
  makeCreateDraft,
  makeReplaceDraft,
  makeWithdrawDraft,
  VersionedDraft,
} from '../../services/write-draft.ts'
import type { Call, Handlers, Reply } from '../call.ts'
import { expectedVersions, versionTag } from '../conditional.ts'
import type { PageQuery, Pages } from '../pages.ts'
import { positionOf, positionText } from '../position.ts'

/** The use cases behind drafts, approvals and activation. */
export interface PolicyDraftServices {
  readonly createDraft: ReturnType<typeof makeCreateDraft>
  readonly listDrafts: ReturnType<typeof makeListDrafts>
  readonly viewDraft: ReturnType<typeof makeViewDraft>
  readonly replaceDraft: ReturnType<typeof makeReplaceDraft>
  readonly withdrawDraft: ReturnType<typeof makeWithdrawDraft>
  readonly checkDraft: ReturnType<typeof makeCheckDraft>
  readonly diffDraft: ReturnType<typeof makeDiffDraft>
  readonly openForComment: ReturnType<typeof makeOpenForComment>
  readonly commentOnDraft: ReturnType<typeof makeCommentOnDraft>
  readonly listComments: ReturnType<typeof makeListComments>
  readonly approveDraft: ReturnType<typeof makeApproveDraft>
  readonly activatePolicy: ReturnType<typeof makeActivatePolicy>
  readonly reactivatePolicy: ReturnType<typeof makeReactivatePolicy>
}

type OneDraft = { readonly draftId: string }
type OneVersion = { readonly version: number }
type DraftQuery = PageQuery & { readonly state?: 'open' | 'withdrawn' | 'activated' }

/** Handlers for drafts, approvals and activation; paths and shapes are in openapi.yaml. */
export const policyDraftHandlers = (services: PolicyDraftServices, pages: Pages): Handlers => ({
  async createPolicyDraft({ caller, body }: Call<DraftStatement>) {
    return draftReply(201, await services.createDraft(caller, body))
  },

  async listPolicyDrafts(call: Call<undefined, unknown, DraftQuery>) {
    const page = pages.read(call)
    const after = positionOf(page)
    const { state } = call.query
    const { items, last } = await services.listDrafts(call.caller, {
      limit: page.limit,
      ...(state === undefined ? {} : { state }),
      ...(after ? { after } : {}),
    })
    return pages.reply(call, items, positionText(last, items.length, page.limit))
  },

  async getPolicyDraft({ caller, params }: Call<undefined, OneDraft>) {
    return draftReply(200, await services.viewDraft(caller, params.draftId))
  },

  async replacePolicyDraft({ caller, params, body, ifMatch = [] }: Call<DraftStatement, OneDraft>) {
    const expected = expectedVersions(ifMatch)
    return draftReply(200, await services.replaceDraft(caller, params.draftId, expected, body))
  },

  async withdrawPolicyDraft({ caller, params }: Call<undefined, OneDraft>) {
    return draftReply(200, await services.withdrawDraft(caller, params.draftId))
  },

  async checkPolicyDraft({ caller, params }: Call<undefined, OneDraft>) {
    return { status: 200, body: await services.checkDraft(caller, params.draftId) }
  },

  async diffPolicyDraft({
    caller,
    params,
    body = {},
  }: Call<{ readonly against?: number } | undefined, OneDraft>) {
    return { status: 200, body: await services.diffDraft(caller, params.draftId, body) }
  },

  async openPolicyDraft({
    caller,
    params,
    body = {},
  }: Call<{ readonly until?: string } | undefined, OneDraft>) {
    return draftReply(200, await services.openForComment(caller, params.draftId, body))
  },

  async commentOnPolicyDraft({ caller, params, body }: Call<{ readonly text: string }, OneDraft>) {
    return { status: 201, body: await services.commentOnDraft(caller, params.draftId, body) }
  },

  async listPolicyDraftComments(call: Call<undefined, OneDraft, PageQuery>) {
    const page = pages.read(call)
    const after = positionOf(page)
    const { items, last } = await services.listComments(call.caller, call.params.draftId, {
      limit: page.limit,
      ...(after ? { after } : {}),
    })
    return pages.reply(call, items, positionText(last, items.length, page.limit))
  },

  async approvePolicyDraft({
    caller,
    params,
    body,
  }: Call<{ readonly signature: string }, OneDraft>) {
    return draftReply(200, await services.approveDraft(caller, params.draftId, body))
  },

  async activatePolicyDraft({ caller, params }: Call<undefined, OneDraft>) {
    return { status: 200, body: await services.activatePolicy(caller, params.draftId) }
  },

  async reactivatePolicyVersion({
    caller,
    params,
    body = {},
  }: Call<{ readonly reason?: string } | undefined, OneVersion>) {
    return draftReply(201, await services.reactivatePolicy(caller, params.version, body))
  },
})

function draftReply(status: number, { draft, version }: VersionedDraft): Reply {
  return { status, body: draft, headers: { etag: versionTag(version) } }
}
