import type { LawfulUse } from '../../domain/audit/vocabulary.ts'
import type {
  DiscloseFields,
  DisclosureRequest,
  DisclosureResult,
} from '../../services/disclose-fields.ts'
import type { makeExplainDecision } from '../../services/explain-decision.ts'
import type { makeProveDisclosure } from '../../services/prove-disclosure.ts'
import type { makeReleaseDisclosure } from '../../services/release-disclosure.ts'
import type { makeRequestVerification } from '../../services/request-verification.ts'
import type {
  makeListReviews,
  makeReviewDisclosure,
  ReviewDecision,
} from '../../services/review-disclosure.ts'
import type { makeListDisclosures, makeViewDisclosure } from '../../services/view-disclosures.ts'
import type { Call, Handlers, Reply } from '../call.ts'
import type { PageQuery, Pages } from '../pages.ts'
import { positionOf, positionText } from '../position.ts'

/** The use cases behind the `disclosures` tag. */
export interface DisclosureServices {
  readonly discloseFields: DiscloseFields
  readonly viewDisclosure: ReturnType<typeof makeViewDisclosure>
  readonly listDisclosures: ReturnType<typeof makeListDisclosures>
  readonly explainDecision: ReturnType<typeof makeExplainDecision>
  readonly proveDisclosure: ReturnType<typeof makeProveDisclosure>
  readonly reviewDisclosure: ReturnType<typeof makeReviewDisclosure>
  readonly listReviews: ReturnType<typeof makeListReviews>
  readonly releaseDisclosure: ReturnType<typeof makeReleaseDisclosure>
  readonly requestVerification: ReturnType<typeof makeRequestVerification>
}

type OneDisclosure = { readonly disclosureId: string }
type ListQuery = PageQuery & {
  readonly direction: 'made' | 'received'
  readonly subjectId?: string
  readonly from?: string
  readonly to?: string
}

const created = ({ answer, perpetratorSide }: DisclosureResult): Reply => ({
  status: 201,
  body: answer,
  timeGrid: perpetratorSide,
})

/** Handlers for the `disclosures` tag; paths and shapes are in openapi.yaml. */
export const disclosureHandlers = (services: DisclosureServices, pages: Pages): Handlers => ({
  async requestDisclosure({ caller, body, idempotency }: Call<DisclosureRequest>) {
    const mode = { kind: 'disclosure', ...(idempotency ? { idempotency } : {}) } as const
    return created(await services.discloseFields(caller, body, mode))
  },

  async previewDisclosure({ caller, body }: Call<DisclosureRequest>) {
    const { caseId, subjectId, purpose } = body
    const result = await services.discloseFields(caller, body, { kind: 'preview' })
    const { body: answer, ...reply } = created(result)
    return { ...reply, status: 200, body: { ...(answer as object), caseId, subjectId, purpose } }
  },

  async getDisclosure({ caller, params }: Call<undefined, OneDisclosure>) {
    const body = await services.viewDisclosure(caller, params.disclosureId)
    // What was decided does not change. The receipt in it depends on what was hidden, too, so its hash is no tag.
    return { status: 200, body, headers: { etag: `"${body.id}"` } }
  },

  async listDisclosures(call: Call<undefined, unknown, ListQuery>) {
    const { direction, subjectId, from, to } = call.query
    const page = pages.read(call)
    const after = positionOf(page)
    const { items, last } = await services.listDisclosures(call.caller, direction, {
      limit: page.limit,
      ...(subjectId === undefined ? {} : { subjectId }),
      ...(from === undefined ? {} : { from: new Date(from) }),
      ...(to === undefined ? {} : { to: new Date(to) }),
      ...(after ? { after } : {}),
    })
    return pages.reply(call, items, positionText(last, items.length, page.limit))
  },

  async explainDisclosure({
    caller,
    params,
    query,
    holdToGrid,
  }: Call<undefined, OneDisclosure, { readonly lawfulUse: LawfulUse }>) {
    // Whose side the caller is on is not known before it is found.
    holdToGrid()
    const { disclosureId } = params
    const body = await services.explainDecision(caller, disclosureId, query.lawfulUse)
    return { status: 200, body }
  },

  async proveDisclosure({ caller, params }: Call<undefined, OneDisclosure>) {
    const proof = await services.proveDisclosure(caller, params.disclosureId)
    if (proof.state === 'published') return { status: 200, body: proof.proof }
    return { status: 202, headers: { 'retry-after': String(proof.retryAfter) } }
  },

  async reviewDisclosure({ caller, params, body }: Call<ReviewDecision, OneDisclosure>) {
    const { disclosureId } = params
    return { status: 200, body: await services.reviewDisclosure(caller, disclosureId, body) }
  },

  async listReviews(call: Call<undefined, unknown, PageQuery>) {
    const page = pages.read(call)
    const after = positionOf(page)
    const { items, last } = await services.listReviews(call.caller, {
      limit: page.limit,
      ...(after ? { after: { dueAt: after.at, id: after.id } } : {}),
    })
    const end = last && { at: last.dueAt, id: last.id }
    return pages.reply(call, items, positionText(end, items.length, page.limit))
  },

  async releaseDisclosure({ caller, params }: Call<undefined, OneDisclosure>) {
    return created(await services.releaseDisclosure(caller, params.disclosureId))
  },

  async requestVerification({
    caller,
    params,
    body,
  }: Call<{ readonly fields: readonly string[] }, OneDisclosure>) {
    const { disclosureId } = params
    const items = await services.requestVerification(caller, disclosureId, body.fields)
    return { status: 201, body: { items } }
  },
})
