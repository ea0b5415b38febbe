import type { ReceiptJson } from '../domain/log/receipt.ts'
import { OstiaryError } from '../errors.ts'
import type * as disclosures from '../storage/disclosures.ts'
import type * as erasure from '../storage/erasure.ts'
import type * as log from '../storage/log.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import {
  lostProof,
  type ProofStorage,
  proveEvent,
  publishedOver,
  secondsToTick,
} from './prove-event.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** A proof (schemas/proof.json), or that it is logged and will be published soon. */
export type ProvenDisclosure =
  | { readonly state: 'published'; readonly proof: ReceiptJson }
  /** `retryAfter` in whole seconds, from 1. */
  | { readonly state: 'pending'; readonly retryAfter: number }

/** What proving works with; `tick` in milliseconds, as the sequencer has it. */
export interface ProofDependencies {
  readonly acting: Acting
  readonly storage: {
    readonly disclosures: Pick<typeof disclosures, 'findDisclosure'>
    readonly erasure: Pick<typeof erasure, 'findProofLoss'>
    readonly log: ProofStorage & Pick<typeof log, 'findEventProof'>
  }
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'now'>
  readonly tick: number
}

/**
 * Opens the public part of the event of one of the caller's own disclosures and proves its entry to
 * be in the log as last published; opening it is an event. Throws `not_found` for any other disclosure, `proof_erased` and
 * `event_retired` when what opens it was destroyed on purpose, `internal_error` when
 * the log as stored does not hold the entry that the receipt promised: a proof that does not verify
 * is never handed out.
 */
export function makeProveDisclosure(deps: ProofDependencies) {
  return (caller: Caller, disclosureId: string): Promise<ProvenDisclosure> =>
    deps.acting(caller, { operation: 'proveDisclosure', target: disclosureId }, async (tx) => {
      const disclosure = await deps.storage.disclosures.findDisclosure(tx, disclosureId)
      if (!disclosure) throw new OstiaryError('not_found')
      const event = await deps.storage.log.findEventProof(tx, disclosure.event_id)
      if (!event) throw await lostProof(deps.storage.erasure, tx, disclosure.event_id)
      const { leafIndex } = event
      const checkpoint =
        leafIndex === null ? undefined : await publishedOver(deps.storage.log, tx, leafIndex)
      if (leafIndex === null || !checkpoint)
        return { state: 'pending', retryAfter: secondsToTick(deps.runtime.now(), deps.tick) }
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        type: 'consult.proof_viewed',
        caseId: disclosure.case_id,
        subjectId: disclosure.subject_id,
        public: { disclosureId },
        private: {},
      })
      return {
        state: 'published',
        proof: await proveEvent(
          deps.storage.log,
          tx,
          { ...event, leafIndex, promised: disclosure.leaf_hash },
          checkpoint,
        ),
      }
    })
}
