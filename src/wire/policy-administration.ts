import type { Config } from '../config.ts'
import { buildCatalogue } from '../domain/catalogue/catalogue.ts'
import { loadRecordSchemas } from '../files/schemas.ts'
import type { Caller } from '../services/caller.ts'
import { makeViewPolicies } from '../services/policy-versions.ts'
import { makeRecordEvent } from '../services/record-event.ts'
import { makeRequirePractitioner } from '../services/require-practitioner.ts'
import { findAgency } from '../storage/agencies.ts'
import * as auditEvents from '../storage/audit-events.ts'
import type { Database } from '../storage/database.ts'
import * as policies from '../storage/policies.ts'
import * as practitioners from '../storage/practitioners.ts'
import { findPractitioner } from '../storage/practitioner-register.ts'
import { transactions } from '../storage/transaction.ts'
import { openOwner } from './database.ts'
import { reachDatabase } from './database-address.ts'
import { type PolicyLife, wirePolicyLife } from './policy-life.ts'
import { PROGRAM_FOLDER } from './program-folder.ts'
import { RUNTIME } from './runtime.ts'

/** Policies beside the API, at the server itself, by the same use cases and under the same rules. */
export interface PolicyAdministration extends PolicyLife {
  readonly versions: ReturnType<typeof makeViewPolicies>
  /** Somebody registered, as an administrator of their agency; without an id, the operator's software. */
  callerOf(practitionerId?: string): Promise<Caller>
}

/** Reaches the configured database for one command, and lets go of it afterwards. */
export async function withPolicyAdministration<Result>(
  config: Config,
  work: (policies: PolicyAdministration) => Promise<Result>,
): Promise<Result> {
  const address = await reachDatabase(config)
  const db = openOwner(address)
  const origin = config.logOrigin
  const catalogue = buildCatalogue(loadRecordSchemas(`${PROGRAM_FOLDER}schemas/records`))
  try {
    const life = wirePolicyLife({
      config,
      transact: transactions(db),
      requirePractitioner: makeRequirePractitioner({ storage: practitioners }),
      recordEvent: makeRecordEvent({ storage: auditEvents, runtime: RUNTIME, origin }),
      runtime: RUNTIME,
    })
    return await work({
      ...life,
      versions: makeViewPolicies({ db, storage: policies, catalogue }),
      callerOf: (practitionerId) => callerAt(db, practitionerId),
    })
  } finally {
    await db.destroy()
    await address.close()
  }
}

async function callerAt(db: Database, practitionerId: string | undefined): Promise<Caller> {
  return db.transaction().execute(async (tx) => {
    const person =
      practitionerId === undefined ? undefined : await findPractitioner(tx, practitionerId)
    if (practitionerId !== undefined && !person)
      throw new Error('there is no practitioner of that id')
    const operator = await tx
      .selectFrom('agency')
      .select('id')
      .where('operator', '=', true)
      .executeTakeFirst()
    const agency = await findAgency(tx, person?.agencyId ?? operator?.id ?? '')
    if (!agency) throw new Error('there is no operator yet: run `ostiary admin create`')
    return {
      agencyId: agency.id,
      sector: agency.sector,
      clientId: agency.clientId,
      scopes: [],
      channel: 'sender_constrained',
      atServer: true,
      operation: 'policy',
      requestId: RUNTIME.uuid(),
      ...(person ? { practitionerId: person.id, role: 'org_admin' } : {}),
    }
  })
}
