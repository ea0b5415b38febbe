import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import type { Crypto } from '../crypto/sodium.ts'
import type { Catalogue } from '../domain/catalogue/types.ts'
import type { DisclosureServices } from '../http/routes/disclosures.ts'
import type { Acting } from '../services/acting.ts'
import { makeActivePolicies, makeFollowPolicy } from '../services/active-policy.ts'
import type { DemandWitnesses } from '../services/demand-witnesses.ts'
import { makeDiscloseFields } from '../services/disclose-fields.ts'
import { makeExplainDecision } from '../services/explain-decision.ts'
import type { PastPolicies } from '../services/past-policies.ts'
import { makeReadPolicy } from '../services/policy-versions.ts'
import { makeProveDisclosure } from '../services/prove-disclosure.ts'
import { calledBy, type RecordEvent } from '../services/record-event.ts'
import { makeReleaseDisclosure } from '../services/release-disclosure.ts'
import { makeRequestVerification } from '../services/request-verification.ts'
import { makeListReviews, makeReviewDisclosure } from '../services/review-disclosure.ts'
import type { Runtime } from '../services/runtime.ts'
import { makeListDisclosures, makeViewDisclosure } from '../services/view-disclosures.ts'
import type { Database, Tx } from '../storage/database.ts'
import * as decisions from '../storage/decisions.ts'
import * as disclosures from '../storage/disclosures.ts'
import * as erasure from '../storage/erasure.ts'
import { openGate } from '../storage/gate.ts'
import * as log from '../storage/log.ts'
import * as notices from '../storage/notices.ts'
import * as policies from '../storage/policies.ts'
import { findSignatureKey } from '../storage/practitioners.ts'
import { ensureSubjectKey, readSubjectKey } from '../storage/subject-keys.ts'
import type { Transact } from '../storage/transaction.ts'
import type { Vault } from '../vault/vault.ts'
import { verifyPersonSignature } from '../http/person-signature.ts'
import type { Pools } from './database.ts'
import { wirePastPolicies } from './past-policies.ts'

/** What the release gate and the use cases around it are made from. */
export interface GateParts {
  readonly pools: Pools
  readonly transact: Transact
  readonly acting: Acting
  readonly recordEvent: RecordEvent
  readonly catalogue: Catalogue
  readonly crypto: Crypto
  readonly vault: Vault
  readonly runtime: Runtime
  readonly origin: string
  readonly logger: Logger
  /** Milliseconds between two publications of the log. */
  readonly tick: number
  readonly demandWitnesses: DemandWitnesses
}

/** The disclosure use cases, and what keeps the node's policy version that of the database. */
export interface ReleaseGate extends DisclosureServices {
  readonly followPolicy: () => Promise<boolean>
  /** Versions as they decided, for explanations and replays. */
  readonly pastPolicies: PastPolicies
}

/** Composes the disclosure use cases over the policy version in force. */
export async function wireReleaseGate(parts: GateParts): Promise<ReleaseGate> {
  const { pools, transact, acting, recordEvent, catalogue, vault, runtime, origin, logger } = parts
  const read = makeReadPolicy({ db: pools.app, storage: policies, catalogue })
  const active = await policies.findActivePolicy(pools.app)
  if (!active) throw new Error('no policy is in force; run `ostiary init` first')
  const { catalogueVersion, pastPolicies } = await wirePastPolicies(pools.app, catalogue)
  const inForce = makeActivePolicies(await read(active.version), read)
  const discloseFields = makeDiscloseFields({
    demandWitnesses: parts.demandWitnesses,
    openGate: (question) => openGate(pools.gate, question),
    vault,
    policies: inForce,
    catalogue,
    catalogueVersion,
    runtime,
    origin,
    sealFor: (publicKey, text) => ({
      keyId: createHash('sha256').update(publicKey).digest('base64url'),
      box: Buffer.from(parts.crypto.boxSeal(publicKey, Buffer.from(text))).toString('base64url'),
    }),
    reportRuleErrors: (disclosureId, errors) => {
      for (const { rule, code } of errors)
        logger.error({ disclosureId, code, ...(rule ? { rule } : {}) }, 'a rule failed')
    },
    recordUnreadable: async (caller, { id: disclosureId, request }, fields) => {
      logger.error({ disclosureId, count: fields.length }, 'released values did not open')
      await transact(caller.agencyId, (tx) =>
        recordEvent(tx, {
          ...calledBy(caller),
          type: 'disclose.unreadable',
          caseId: request.caseId,
          subjectId: request.subjectId,
          public: {
            disclosureId,
            purpose: request.purpose,
            fields: fields.map(({ field }) => field),
          },
          private: { records: fields.map(({ recordId }) => recordId) },
        }),
      )
    },
  })
  const hashOfPolicy = async (tx: Database | Tx, version: number) =>
    (await policies.findPolicyVersion(tx, version))?.hash ?? ''
  const view = { acting, storage: disclosures, hashOfPolicy, origin, recordEvent }
  const review = {
    acting,
    storage: disclosures,
    vault,
    recordEvent,
    runtime,
    keyOf: findSignatureKey,
    verifySignature: verifyPersonSignature,
    sealNote: sealReviewNote(vault),
  }
  return {
    followPolicy: makeFollowPolicy({ db: pools.app, storage: policies, policies: inForce }),
    pastPolicies,
    discloseFields,
    viewDisclosure: makeViewDisclosure(view),
    listDisclosures: makeListDisclosures(view),
    explainDecision: makeExplainDecision({
      acting,
      storage: decisions,
      vault,
      pastPolicies,
      hashOfPolicy,
      recordEvent,
    }),
    proveDisclosure: makeProveDisclosure({
      acting,
      storage: { disclosures, erasure, log },
      recordEvent,
      runtime,
      tick: parts.tick,
    }),
    reviewDisclosure: makeReviewDisclosure(review),
    listReviews: makeListReviews(review),
    releaseDisclosure: makeReleaseDisclosure({
      acting,
      storage: disclosures,
      vault,
      // Row-level security leaves only the transaction's own agency's key in sight.
      subjectKeyOf: async (tx, ownerId, agencyId) =>
        (await readSubjectKey(tx, { ownerId, agencyId })) ?? undefined,
      discloseFields,
      runtime,
    }),
    requestVerification: makeRequestVerification({
      acting,
      catalogue,
      storage: disclosures,
      notices,
      recordEvent,
      runtime,
    }),
  }
}

function sealReviewNote(vault: Vault) {
  return async (
    tx: Tx,
    about: { agencyId: string; caseId: string; subjectId: string; taskId: string },
    note: string,
  ) => {
    const owner = { ownerId: about.subjectId, agencyId: about.agencyId }
    const key = await ensureSubjectKey(tx, { ...owner, caseId: about.caseId }, (epoch) =>
      vault.createSubjectKey(owner, epoch),
    )
    return vault.sealText({ ...owner, kind: 'review_note', id: about.taskId }, key, note)
  }
}
