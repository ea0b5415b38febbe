import type { makeAcknowledgeNotice, makeListNotices } from '../../services/notices.ts'
import type { Call, Handlers } from '../call.ts'
import type { PageQuery, Pages } from '../pages.ts'
import { positionOf, positionText } from '../position.ts'

/** The use cases behind the `notices` tag. */
export interface NoticeServices {
  readonly listNotices: ReturnType<typeof makeListNotices>
  readonly acknowledgeNotice: ReturnType<typeof makeAcknowledgeNotice>
}

/** Handlers for the `notices` tag; paths and shapes are in openapi.yaml. */
export const noticeHandlers = (services: NoticeServices, pages: Pages): Handlers => ({
  async listNotices(call: Call<undefined, unknown, PageQuery & { acknowledged?: boolean }>) {
    const page = pages.read(call)
    const after = positionOf(page)
    const { acknowledged } = call.query
    const { items, last } = await services.listNotices(call.caller, {
      limit: page.limit,
      ...(acknowledged === undefined ? {} : { acknowledged }),
      ...(after ? { after } : {}),
    })
    return pages.reply(call, items, positionText(last, items.length, page.limit))
  },

  async acknowledgeNotice({ caller, params }: Call<undefined, { readonly noticeId: string }>) {
    return { status: 200, body: await services.acknowledgeNotice(caller, params.noticeId) }
  },
})
