import type { Logger } from 'pino'
import type { Catalogue } from '../domain/catalogue/types.ts'
import type { AuditServices } from '../http/routes/audit.ts'
import type { Acting } from '../services/acting.ts'
import { makeExportAuditLog } from '../services/export-audit-log.ts'
import { makeIndexAuditLog } from '../services/index-audit-log.ts'
import { makeOpenAuditEvent } from '../services/open-audit-event.ts'
import { makeProveAuditEvent } from '../services/prove-audit-event.ts'
import type { RecordEvent } from '../services/record-event.ts'
import type { Runtime } from '../services/runtime.ts'
import { makeSearchAuditLog } from '../services/search-audit-log.ts'
import * as auditAccess from '../storage/audit-access.ts'
import * as auditIndex from '../storage/audit-index.ts'
import * as auditSearch from '../storage/audit-search.ts'
import * as erasure from '../storage/erasure.ts'
import * as log from '../storage/log.ts'
import type { Transact } from '../storage/transaction.ts'
import type { Vault } from '../vault/vault.ts'
import { type AuditIndexer, makeAuditIndexer } from '../workers/audit-indexer.ts'
import { MACHINE_TIMERS } from '../workers/ticker.ts'
import type { Pools } from './database.ts'

/** What the access to the audit log is made from. */
export interface AuditParts {
  readonly pools: Pools
  readonly transact: Transact
  readonly acting: Acting
  readonly recordEvent: RecordEvent
  readonly catalogue: Catalogue
  readonly vault: Vault
  readonly runtime: Runtime
  readonly logger: Logger
  /** Milliseconds between two publications of the log. */
  readonly tick: number
}

/** Composes the use cases over the audit log, and what keeps its index up with the log. */
export function wireAudit(parts: AuditParts): {
  readonly services: AuditServices
  readonly indexer: AuditIndexer
} {
  const { acting, transact, recordEvent, catalogue, vault, runtime, tick } = parts
  const shared = { acting, transact, recordEvent, catalogue, vault }
  return {
    services: {
      searchAuditLog: makeSearchAuditLog({ ...shared, storage: auditSearch }),
      openAuditEvent: makeOpenAuditEvent({ ...shared, storage: auditAccess }),
      proveAuditEvent: makeProveAuditEvent({
        ...shared,
        storage: { access: auditAccess, erasure, log },
        runtime,
        tick,
      }),
      exportAuditLog: makeExportAuditLog({ ...shared, storage: auditSearch }),
      now: () => runtime.now(),
    },
    indexer: makeAuditIndexer({
      indexAuditLog: makeIndexAuditLog({ db: parts.pools.worker, storage: auditIndex }),
      timers: MACHINE_TIMERS,
      log: parts.logger,
    }),
  }
}
