import type { Amendment, makeAmendRecord } from '../../services/amend-record.ts'
import type { Contestation, makeContestFields } from '../../services/contest-fields.ts'
import type { makeDepositRecord, NewRecord, RecordReceipt } from '../../services/deposit-record.ts'
import type { makeVerifyFields, Verification } from '../../services/verify-fields.ts'
import { OstiaryError } from '../../errors.ts'
import type { Call, Handlers, Reply } from '../call.ts'
import { expectedVersions, versionTag } from '../conditional.ts'

/** The use cases behind the `records` tag. */
export interface RecordServices {
  readonly depositRecord: ReturnType<typeof makeDepositRecord>
  readonly amendRecord: ReturnType<typeof makeAmendRecord>
  readonly verifyFields: ReturnType<typeof makeVerifyFields>
  readonly contestFields: ReturnType<typeof makeContestFields>
}

type OneRecord = { readonly recordId: string }

/** Handlers for the `records` tag; paths and shapes are in openapi.yaml. No answer repeats a value. */
export const recordHandlers = (services: RecordServices): Handlers => ({
  async depositRecord({
    caller,
    params,
    body,
    idempotency,
  }: Call<NewRecord, { readonly caseId: string }>) {
    if (!idempotency) throw new OstiaryError('idempotency_key_missing')
    const { caseId } = params
    return receipt(201, await services.depositRecord(caller, caseId, body, idempotency))
  },

  async amendRecord({ caller, params, body, ifMatch = [] }: Call<Amendment, OneRecord>) {
    const expected = expectedVersions(ifMatch)
    return receipt(200, await services.amendRecord(caller, params.recordId, expected, body))
  },

  async verifyFields({ caller, params, body }: Call<Verification, OneRecord>) {
    return receipt(201, await services.verifyFields(caller, params.recordId, body))
  },

  async contestFields({ caller, params, body }: Call<Contestation, OneRecord>) {
    return receipt(201, await services.contestFields(caller, params.recordId, body))
  },
})

function receipt(status: number, body: RecordReceipt): Reply {
  return { status, body, headers: { etag: versionTag(body.version) } }
}
