import type { Sector } from '../domain/case/vocabulary.ts'
import { OstiaryError } from '../errors.ts'
import type * as agencies from '../storage/agencies.ts'
import type { Tx } from '../storage/database.ts'
import type { Acting } from './acting.ts'
import { agencyView, type AgencyView, type VersionedAgency } from './agency-view.ts'
import type { Caller } from './caller.ts'
import type { Runtime } from './runtime.ts'

/** Where a page of the directory ended. */
export interface DirectoryPosition {
  readonly name: string
  readonly id: string
}

export interface ViewAgenciesDependencies {
  /** Lets the agency's own software act with nobody named. */
  readonly administering: Acting
  readonly storage: Pick<
    typeof agencies,
    'findAgency' | 'guaranteedProgrammes' | 'listAgencyEntries'
  >
  readonly runtime: Pick<Runtime, 'now'>
}

/** A page of the directory, by name. */
export function makeListAgencies(deps: ViewAgenciesDependencies) {
  return (
    caller: Caller,
    filter: {
      readonly sector?: Sector
      readonly after?: DirectoryPosition
      readonly limit: number
    },
  ): Promise<{ items: AgencyView[]; last: DirectoryPosition | undefined }> =>
    deps.administering(caller, { operation: 'listAgencies' }, async (tx) => {
      const entries = await deps.storage.listAgencyEntries(tx, filter)
      const end = entries.at(-1)
      return {
        items: await viewsOf(deps, tx, caller, entries),
        last: end && { name: end.name, id: end.id },
      }
    })
}

/** One agency of the directory. Throws `not_found`. */
export function makeViewAgency(deps: ViewAgenciesDependencies) {
  return (caller: Caller, id: string): Promise<VersionedAgency> =>
    deps.administering(caller, { operation: 'getAgency', target: id }, async (tx) => {
      const entry = await deps.storage.findAgency(tx, id)
      const [agency] = entry ? await viewsOf(deps, tx, caller, [entry]) : []
      if (!entry || !agency) throw new OstiaryError('not_found')
      return { agency, version: entry.version }
    })
}

async function viewsOf(
  { storage, runtime }: ViewAgenciesDependencies,
  tx: Tx,
  { agencyId }: Caller,
  entries: readonly agencies.AgencyEntry[],
): Promise<AgencyView[]> {
  const programmes = entries.filter(({ sector }) => sector === 'perpetrator_programme')
  const guaranteed = await storage.guaranteedProgrammes(
    tx,
    programmes.map(({ id }) => id),
    runtime.now(),
  )
  const own = entries.find(({ id }) => id === agencyId) ?? (await storage.findAgency(tx, agencyId))
  const reader = { agencyId, operator: own?.operator ?? false }
  return entries.map((entry) => agencyView(entry, reader, guaranteed))
}
