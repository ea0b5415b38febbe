/** The audit log for the operator, at the server itself. */
import type { Config } from '../config.ts'
import { buildCatalogue } from '../domain/catalogue/catalogue.ts'
import { loadRecordSchemas } from '../files/schemas.ts'
import { makeIndexAuditLog } from '../services/index-audit-log.ts'
import { makeOperatorAudit, type OperatorAudit } from '../services/operator-audit.ts'
import { makeRecordEvent } from '../services/record-event.ts'
import * as auditAccess from '../storage/audit-access.ts'
import * as auditEvents from '../storage/audit-events.ts'
import * as auditIndex from '../storage/audit-index.ts'
import * as auditSearch from '../storage/audit-search.ts'
import * as log from '../storage/log.ts'
import { openOwner } from './database.ts'
import { reachDatabase } from './database-address.ts'
import { PROGRAM_FOLDER } from './program-folder.ts'
import { RUNTIME } from './runtime.ts'

/** The same, with the index itself. */
export interface OperatorAuditLog extends OperatorAudit {
  /** Throws the index away and fills it anew; gives the number of events. */
  reindex(): Promise<number>
}

/** Reaches the configured database for one command, and lets go of it afterwards. */
export async function withAuditLog<Result>(
  config: Config,
  work: (audit: OperatorAuditLog) => Promise<Result>,
): Promise<Result> {
  const address = await reachDatabase(config)
  const db = openOwner(address)
  try {
    const index = makeIndexAuditLog({ db, storage: auditIndex })
    return await work({
      ...makeOperatorAudit({
        db,
        storage: { search: auditSearch, access: auditAccess, log },
        catalogue: buildCatalogue(loadRecordSchemas(`${PROGRAM_FOLDER}schemas/records`)),
        recordEvent: makeRecordEvent({
          storage: auditEvents,
          runtime: RUNTIME,
          origin: config.logOrigin,
        }),
      }),
      reindex: () => index({ anew: true }),
    })
  } finally {
    await db.destroy()
    await address.close()
  }
}
