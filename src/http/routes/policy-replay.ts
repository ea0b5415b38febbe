import type { makeReplayDraft } from '../../services/replay-draft.ts'
import type { Call, Handlers } from '../call.ts'

/** Handler for trying drafts on past decisions; path and shapes are in openapi.yaml. */
export const policyReplayHandlers = (
  replayDraft: ReturnType<typeof makeReplayDraft>,
): Handlers => ({
  async replayPolicyDraft({
    caller,
    params,
    body,
  }: Call<{ readonly from: string; readonly to: string }, { readonly draftId: string }>) {
    const window = { from: new Date(body.from), to: new Date(body.to) }
    return { status: 200, body: await replayDraft(caller, params.draftId, window) }
  },
})
