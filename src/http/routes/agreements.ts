import type { makeAcceptAgreement } from '../../services/accept-agreement.ts'
import type { AgreementView } from '../../services/agreement-view.ts'
import type {
  AgreementStatement,
  makeListAgreements,
  makeRecordAgreement,
  makeTerminateAgreement,
  makeViewAgreement,
} from '../../services/agreements.ts'
import type { Call, Handlers, Reply } from '../call.ts'
import { contentTag } from '../conditional.ts'
import type { PageQuery, Pages } from '../pages.ts'

/** The use cases behind the `agreements` tag. */
export interface AgreementServices {
  readonly recordAgreement: ReturnType<typeof makeRecordAgreement>
  readonly listAgreements: ReturnType<typeof makeListAgreements>
  readonly viewAgreement: ReturnType<typeof makeViewAgreement>
  readonly acceptAgreement: ReturnType<typeof makeAcceptAgreement>
  readonly terminateAgreement: ReturnType<typeof makeTerminateAgreement>
}

type OneAgreement = { readonly agreementId: string }
type Acceptance = { readonly signatory?: string }
type Termination = { readonly at?: string; readonly reason?: string }

/** Handlers for the `agreements` tag; paths and shapes are in openapi.yaml. */
export const agreementHandlers = (services: AgreementServices, pages: Pages): Handlers => ({
  async createAgreement({ caller, body }: Call<AgreementStatement>) {
    return reply(201, await services.recordAgreement(caller, body))
  },

  async listAgreements(call: Call<undefined, unknown, PageQuery>) {
    const page = pages.read(call)
    const { items, last } = await services.listAgreements(call.caller, page)
    return pages.reply(call, items, items.length === page.limit ? last : undefined)
  },

  async getAgreement({ caller, params }: Call<undefined, OneAgreement>) {
    return reply(200, await services.viewAgreement(caller, params.agreementId))
  },

  async acceptAgreement({ caller, params, body = {} }: Call<Acceptance | undefined, OneAgreement>) {
    return reply(200, await services.acceptAgreement(caller, params.agreementId, body))
  },

  async terminateAgreement({
    caller,
    params,
    body = {},
  }: Call<Termination | undefined, OneAgreement>) {
    return reply(200, await services.terminateAgreement(caller, params.agreementId, body))
  },
})

function reply(status: number, agreement: AgreementView): Reply {
  return { status, body: agreement, headers: { etag: contentTag(agreement) } }
}
