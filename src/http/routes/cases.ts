import type { makeListCaseDuties } from '../../services/case-duties.ts'
import type { makeAddMember, makeRemoveMember, NewMember } from '../../services/case-members.ts'
import type {
  makeAddPerson,
  makeOpenCase,
  makeViewCase,
  NewCase,
  NewPerson,
} from '../../services/open-case.ts'
import type { makeListIntake } from '../../services/police-intake.ts'
import type { Call, Handlers } from '../call.ts'
import { contentTag } from '../conditional.ts'

/** The use cases behind the `cases` tag. */
export interface CaseServices {
  readonly openCase: ReturnType<typeof makeOpenCase>
  readonly viewCase: ReturnType<typeof makeViewCase>
  readonly addPerson: ReturnType<typeof makeAddPerson>
  readonly addMember: ReturnType<typeof makeAddMember>
  readonly removeMember: ReturnType<typeof makeRemoveMember>
  readonly listCaseDuties: ReturnType<typeof makeListCaseDuties>
  readonly listIntake: ReturnType<typeof makeListIntake>
}

type OneCase = { readonly caseId: string }

/** Handlers for the `cases` tag; paths and shapes are in openapi.yaml. */
export const caseHandlers = (services: CaseServices): Handlers => ({
  async createCase({ caller, body }: Call<NewCase>) {
    return { status: 201, body: await services.openCase(caller, body) }
  },

  async getCase({ caller, params }: Call<undefined, OneCase>) {
    const body = await services.viewCase(caller, params.caseId)
    // Over what this member sees: what is hidden from it must not show in the tag.
    return { status: 200, body, headers: { etag: contentTag(body) } }
  },

  async addPerson({ caller, params, body }: Call<NewPerson, OneCase>) {
    return { status: 201, body: await services.addPerson(caller, params.caseId, body) }
  },

  async addMember({ caller, params, body }: Call<NewMember, OneCase>) {
    return { status: 201, body: await services.addMember(caller, params.caseId, body) }
  },

  async removeMember({ caller, params }: Call<undefined, OneCase & { readonly agencyId: string }>) {
    await services.removeMember(caller, params.caseId, params.agencyId)
    return { status: 204 }
  },

  async getCaseDuties({ caller, params }: Call<undefined, OneCase>) {
    return { status: 200, body: { items: await services.listCaseDuties(caller, params.caseId) } }
  },

  async getIntake({ caller, params }: Call<undefined, OneCase>) {
    return { status: 200, body: { items: await services.listIntake(caller, params.caseId) } }
  },
})
