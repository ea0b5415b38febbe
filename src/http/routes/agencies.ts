import type { Sector } from '../../domain/case/vocabulary.ts'
import { OstiaryError } from '../../errors.ts'
import type { VersionedAgency } from '../../services/agency-view.ts'
import type { AgencyPatch, makeChangeAgency } from '../../services/change-agency.ts'
import type { AgencyRegistration, makeRegisterAgency } from '../../services/register-agency.ts'
import type {
  makeChangePractitioner,
  makeRegisterPractitioner,
  PractitionerPatch,
  PractitionerRegistration,
  VersionedPractitioner,
} from '../../services/register-practitioner.ts'
import type {
  DirectoryPosition,
  makeListAgencies,
  makeViewAgency,
} from '../../services/view-agencies.ts'
import type { Call, Handlers, Reply } from '../call.ts'
import { expectedVersions, type IfMatch, versionTag } from '../conditional.ts'
import type { PageQuery, Pages } from '../pages.ts'

/** The use cases behind the `agencies` tag. */
export interface AgencyServices {
  readonly registerAgency: ReturnType<typeof makeRegisterAgency>
  readonly listAgencies: ReturnType<typeof makeListAgencies>
  readonly viewAgency: ReturnType<typeof makeViewAgency>
  readonly changeAgency: ReturnType<typeof makeChangeAgency>
  readonly registerPractitioner: ReturnType<typeof makeRegisterPractitioner>
  readonly changePractitioner: ReturnType<typeof makeChangePractitioner>
}

type OneAgency = { readonly agencyId: string }
type OnePractitioner = { readonly practitionerId: string }

/** Handlers for the `agencies` tag; paths and shapes are in openapi.yaml. */
export const agencyHandlers = (services: AgencyServices, pages: Pages): Handlers => ({
  async createAgency({ caller, body }: Call<AgencyRegistration>) {
    return agencyReply(201, await services.registerAgency(caller, body))
  },

  async listAgencies(call: Call<undefined, unknown, PageQuery & { readonly sector?: Sector }>) {
    const { limit, after } = pages.read(call)
    const { sector } = call.query
    const { items, last } = await services.listAgencies(call.caller, {
      limit,
      ...(sector === undefined ? {} : { sector }),
      ...(after === undefined ? {} : { after: positionOf(after) }),
    })
    const more = last && items.length === limit ? `${last.id}/${last.name}` : undefined
    return pages.reply(call, items, more)
  },

  async getAgency({ caller, params }: Call<undefined, OneAgency>) {
    return agencyReply(200, await services.viewAgency(caller, params.agencyId))
  },

  async updateAgency({ caller, params, body, ifMatch }: Call<AgencyPatch, OneAgency>) {
    const expected = expectedVersions(plainTags(ifMatch))
    const changed = await services.changeAgency(caller, params.agencyId, expected, body)
    return agencyReply(200, changed)
  },

  async createPractitioner({ caller, params, body }: Call<PractitionerRegistration, OneAgency>) {
    const made = await services.registerPractitioner(caller, params.agencyId, body)
    return practitionerReply(201, made)
  },

  async updatePractitioner({
    caller,
    params,
    body,
    ifMatch = [],
  }: Call<PractitionerPatch, OnePractitioner>) {
    const expected = expectedVersions(ifMatch)
    const { practitionerId } = params
    return practitionerReply(
      200,
      await services.changePractitioner(caller, practitionerId, expected, body),
    )
  },
})

/**
 * A perpetrator programme becomes active, and stops being so, by agreements that begin and end: its
 * tag tells the two states of one version apart.
 */
function agencyReply(status: number, { agency, version }: VersionedAgency): Reply {
  const etag = agency.active ? versionTag(version) : `"${version}.inactive"`
  return { status, body: agency, headers: { etag } }
}

function plainTags(ifMatch: IfMatch = []): IfMatch {
  return ifMatch === '*' ? ifMatch : ifMatch.map((tag) => tag.replace(/\.inactive$/, ''))
}

function practitionerReply(
  status: number,
  { practitioner, version }: VersionedPractitioner,
): Reply {
  return { status, body: practitioner, headers: { etag: versionTag(version) } }
}

function positionOf(text: string): DirectoryPosition {
  const slash = text.indexOf('/')
  if (slash < 0) throw new OstiaryError('invalid_cursor')
  return { id: text.slice(0, slash), name: text.slice(slash + 1) }
}
