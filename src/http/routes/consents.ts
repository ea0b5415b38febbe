import { OstiaryError } from '../../errors.ts'
import type { ConsentView } from '../../services/consent-view.ts'
import type {
  makeRecordConsent,
  makeViewConsent,
  NewConsent,
} from '../../services/record-consent.ts'
import type { makeWithdrawConsent } from '../../services/withdraw-consent.ts'
import type { Call, Handlers, Reply } from '../call.ts'
import { contentTag } from '../conditional.ts'

/** The use cases behind the `consents` tag. */
export interface ConsentServices {
  readonly recordConsent: ReturnType<typeof makeRecordConsent>
  readonly viewConsent: ReturnType<typeof makeViewConsent>
  readonly withdrawConsent: ReturnType<typeof makeWithdrawConsent>
}

type OneConsent = { readonly consentId: string }
type Withdrawal = { readonly note?: string }

/** Handlers for the `consents` tag; paths and shapes are in openapi.yaml. */
export const consentHandlers = (services: ConsentServices): Handlers => ({
  async recordConsent({ caller, body, idempotency }: Call<NewConsent>) {
    if (!idempotency) throw new OstiaryError('idempotency_key_missing')
    return reply(201, await services.recordConsent(caller, body, idempotency))
  },

  async getConsent({ caller, params }: Call<undefined, OneConsent>) {
    return reply(200, await services.viewConsent(caller, params.consentId))
  },

  async withdrawConsent({ caller, params, body = {} }: Call<Withdrawal | undefined, OneConsent>) {
    return reply(200, await services.withdrawConsent(caller, params.consentId, body))
  },
})

function reply(status: number, consent: ConsentView): Reply {
  return { status, body: consent, headers: { etag: contentTag(consent) } }
}
