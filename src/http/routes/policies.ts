import type { makeViewPolicies } from '../../services/policy-versions.ts'
import { OstiaryError } from '../../errors.ts'
import type { Call, Handlers } from '../call.ts'
import { isKnown } from '../conditional.ts'
import type { PageQuery, Pages } from '../pages.ts'

/** Handlers for the `policies` tag; paths and shapes are in openapi.yaml. */
export const policyHandlers = (
  policies: ReturnType<typeof makeViewPolicies>,
  pages: Pages,
): Handlers => ({
  async getPolicies({ request }: Call) {
    const body = await policies.inForce()
    const etag = `"${body.hash}"`
    if (isKnown(request.headers['if-none-match'], etag)) return { status: 304, headers: { etag } }
    return { status: 200, body, headers: { etag } }
  },

  async getPolicyVersion({ params }: Call<undefined, { readonly version: number }>) {
    const body = await policies.version(params.version)
    return { status: 200, body }
  },

  async listPolicyVersions(call: Call<undefined, unknown, PageQuery>) {
    const { limit, after } = pages.read(call)
    const before = after === undefined ? undefined : Number(after)
    if (Number.isNaN(before)) throw new OstiaryError('invalid_cursor')
    const items = await policies.versions(before, limit)
    const last = items.length === limit ? items.at(-1)?.version : undefined
    return pages.reply(call, items, last === undefined ? undefined : String(last))
  },
})
