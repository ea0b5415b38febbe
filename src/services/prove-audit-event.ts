import type { LawfulUse } from '../domain/audit/vocabulary.ts'
import type { FullReceiptJson, ReceiptJson } from '../domain/log/receipt.ts'
import { OstiaryError } from '../errors.ts'
import type * as auditAccess from '../storage/audit-access.ts'
import type { AuditProofRow } from '../storage/audit-access.ts'
import type { Tx } from '../storage/database.ts'
import type * as erasure from '../storage/erasure.ts'
import type { Acting } from './acting.ts'
import { requireAuditReader } from './audit-reader.ts'
import type { Caller } from './caller.ts'
import {
  lostProof,
  type ProofStorage,
  type ProvableEvent,
  proveEvent,
  publishedOver,
  secondsToTick,
} from './prove-event.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** A proof (schemas/proof.json, or event-proof.json), or that it is logged and will be published soon. */
export type ProvenAuditEvent =
  | { readonly state: 'published'; readonly proof: ReceiptJson | FullReceiptJson }
  /** `retryAfter` in whole seconds, from 1. */
  | { readonly state: 'pending'; readonly retryAfter: number }

export interface AuditProofDependencies {
  readonly acting: Acting
  readonly storage: {
    readonly access: Pick<typeof auditAccess, 'findAuditEvent' | 'findAuditProof'>
    readonly erasure: Pick<typeof erasure, 'findProofLoss'>
    readonly log: ProofStorage
  }
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'now'>
  /** Milliseconds between two publications. */
  readonly tick: number
}

/**
 * Proves one event: both parts for whom both are open (the supervisory authority; the officer of whoever
 * did it, where the private part is nothing but their own), else the public part for whoever did it. A
 * source gets none, because a part of a part proves nothing. Having it proven is an event.
 *
 * Throws `not_permitted` for another role, `not_found` for an event that the caller may not have proven,
 * `proof_erased` and `event_retired` when what opens it was destroyed on purpose.
 */
export function makeProveAuditEvent(deps: AuditProofDependencies) {
  return (caller: Caller, id: string, lawfulUse: LawfulUse): Promise<ProvenAuditEvent> =>
    deps.acting(caller, { operation: 'proveAuditEvent', target: id }, async (tx) => {
      requireAuditReader(caller)
      const row = await deps.storage.access.findAuditProof(tx, id)
      if (!row) throw await missingProof(deps, tx, id)
      const { leafIndex } = row
      const checkpoint =
        leafIndex === null ? undefined : await publishedOver(deps.storage.log, tx, leafIndex)
      if (leafIndex === null || !checkpoint)
        return { state: 'pending', retryAfter: secondsToTick(deps.runtime.now(), deps.tick) }
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        type: 'consult.log_proof_viewed',
        public: { eventId: id, lawfulUse, both: row.privatePart !== null },
        private: {},
      })
      const proof = await proveEvent(deps.storage.log, tx, provable(row, leafIndex), checkpoint)
      return { state: 'published', proof }
    })
}

/** What is proven of a row: as much as is open. */
export function provable(
  { publicPart, publicSalt, privatePart, privateSalt }: AuditProofRow,
  leafIndex: number,
): ProvableEvent {
  return {
    ...{ publicPart, publicSalt, leafIndex },
    ...(privatePart !== null && privateSalt !== null
      ? { opened: { privatePart, privateSalt } }
      : {}),
  }
}

/** An event that is the caller's own and yet has no proof: its salts were destroyed, or it is damage. */
async function missingProof(
  { storage }: AuditProofDependencies,
  tx: Tx,
  id: string,
): Promise<OstiaryError> {
  const event = await storage.access.findAuditEvent(tx, id)
  if (!event || !(event.actor || event.authority)) return new OstiaryError('not_found')
  return lostProof(storage.erasure, tx, id)
}
