/**
 * The one release gate (architecture §3): every value that leaves, by whatever exit, is decided,
 * written and committed here before it is opened.
 */
import type { Catalogue, FieldDefinition } from '../domain/catalogue/types.ts'
import { isPerpetratorSide } from '../domain/case/parties.ts'
import type { ExceptionCode, PractitionerRole, Purpose } from '../domain/case/vocabulary.ts'
import { decideReviewed, type Reviewed } from '../domain/disclosure/reviewed.ts'
import { resolveRequested, type SelectorFault } from '../domain/disclosure/requested.ts'
import type { SealedEvent } from '../domain/log/event.ts'
import type { Decision } from '../domain/policy/decide.ts'
import type { Facts } from '../domain/policy/facts.ts'
import { OstiaryError } from '../errors.ts'
import type { GateQuestion, GateRecord, GateTransaction } from '../storage/gate.ts'
import type { GateWrite } from '../storage/gate-write.ts'
import type { Vault } from '../vault/vault.ts'
import type { ActivePolicies, ActivePolicy } from './active-policy.ts'
import type { Caller } from './caller.ts'
import { decidedWrite, type DecidedCase, OPERATION, type Shown } from './decided-write.ts'
import { loadFacts, type RecognisedContext } from './load-facts.ts'
import type { DemandWitnesses } from './demand-witnesses.ts'
import { type Opened, openAnswer } from './open-answer.ts'
import type { FlaggedRecords } from './raised-flags.ts'
import { recogniseAsker } from './recognise-asker.ts'
import { sealDecisionFacts } from './record-facts.ts'
import type { Runtime } from './runtime.ts'
import { askersKey, sealNotes } from './seal-notes.ts'
import { sealedRecord } from './sealed-records.ts'

/** What a requester asks for; selectors as in the catalogue. */
export interface DisclosureRequest {
  readonly caseId: string
  readonly subjectId: string
  readonly purpose: Purpose
  readonly fields: readonly string[]
  readonly justification?: string
  readonly ethicsNote?: string
  readonly exception?: { readonly code: ExceptionCode; readonly note: string }
  readonly seal?: boolean
}

/** How the request came in, besides who sent it. */
export interface DisclosureMode {
  readonly kind: 'disclosure' | 'preview'
  /** Absent for a preview. */
  readonly idempotency?: { readonly key: string; readonly fingerprint: Uint8Array }
  /** After review: which request is released, and what its reviewers said. */
  readonly release?: Reviewed & { readonly of: string }
}

/** The answer, and whether its sender must hold it to the time grid. */
export interface DisclosureResult {
  readonly answer: Opened
  readonly perpetratorSide: boolean
}

export type DiscloseFields = (
  caller: Caller,
  request: DisclosureRequest,
  mode: DisclosureMode,
) => Promise<DisclosureResult>

export interface DiscloseDependencies {
  /** Throws while nothing may leave at all: too few witnesses have seen the log for too long. */
  readonly demandWitnesses: DemandWitnesses
  readonly openGate: (question: GateQuestion) => Promise<GateTransaction>
  readonly vault: Vault
  readonly policies: ActivePolicies
  readonly catalogue: Catalogue
  /** Number under which the catalogue is kept: recorded facts name fields by their place in it. */
  readonly catalogueVersion: number
  readonly runtime: Runtime
  /** Origin line of the log. */
  readonly origin: string
  /** One box (libsodium `crypto_box_seal`) that only the holder of the X25519 key opens, base64url. */
  readonly sealFor: (
    publicKey: Uint8Array,
    text: string,
  ) => { readonly keyId: string; readonly box: string }
  /** Tells the operator that a rule failed; ids and codes only. */
  readonly reportRuleErrors: (disclosureId: string, errors: Decision['errors']) => void
  /** Writes the follow-up event of values that were decided to leave and would not open. */
  readonly recordUnreadable: (
    caller: Caller,
    decided: { readonly id: string; readonly request: DisclosureRequest },
    fields: readonly { readonly recordId: string; readonly field: string }[],
  ) => Promise<void>
}

/** How often a decision is begun anew because the policy changed under it, then 503. */
const ATTEMPTS = 3

/** SQLSTATE of what went wrong only because of what others did at the same time. */
const REPEATABLE = [
  // serialization_failure: among others, the key-encryption key's epoch was retired meanwhile
  '40001',
  // deadlock_detected
  '40P01',
]

/**
 * Decides one request, field by field, writes decision and audit event, and only then opens what may
 * leave. Throws `unknown_field`, `selector_matches_nothing`, `sealing_key_missing`, `witness_missing` (nothing written);
 * `practitioner_not_recognised`, `not_found` (audited); `idempotency_key_reused`,
 * `idempotency_key_in_progress`; `policy_changing` and `overloaded` after three attempts;
 * `audit_unavailable` when decision and event could not be committed.
 */
export function makeDiscloseFields(deps: DiscloseDependencies): DiscloseFields {
  return async (caller, request, mode) => {
    const requested = resolveRequested(deps.catalogue, request.fields)
    if ('faults' in requested) throw selectorFault(requested.faults)
    await deps.demandWitnesses()
    const asked = { caller, request, mode, fields: requested.fields }
    const { decided, shown, event, facts } = await decideUntilCommitted(
      deps,
      asked,
      questionOf(caller, request, mode, requested.types),
    )
    if (decided.decision.errors.length > 0)
      deps.reportRuleErrors(decided.id, decided.decision.errors)
    const answer = await openAnswer(deps, decided, shown, event)
    return { answer, perpetratorSide: isPerpetratorSide(facts.recipient.actsFor) }
  }
}

/** The problem of selectors that name nothing, under `fields` of a body. */
export function selectorFault(faults: readonly SelectorFault[]): OstiaryError {
  const errors = faults.map(({ position, detail }) => ({ pointer: `#/fields/${position}`, detail }))
  return new OstiaryError(faults[0]?.code ?? 'unknown_field', { errors })
}

interface Asked {
  readonly caller: Caller
  readonly request: DisclosureRequest
  readonly mode: DisclosureMode
  readonly fields: readonly FieldDefinition[]
}

interface Attempt extends Asked {
  readonly policy: ActivePolicy
  readonly gate: GateTransaction
  /** Time of decision: taken under the locks. */
  readonly at: Date
}

/** A decision that stands in the database. */
interface Committed {
  readonly decided: DecidedCase
  readonly shown: Shown
  readonly event: SealedEvent
  readonly facts: Facts
}

async function decideUntilCommitted(
  deps: DiscloseDependencies,
  asked: Asked,
  question: GateQuestion,
): Promise<Committed> {
  let policy = deps.policies.current()
  // Made only when it is needed: an error costs as much as deciding a few fields.
  let overload: OstiaryError | undefined
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const gate = await deps.openGate(question)
      const inForce = gate.context.policyVersion
      if (inForce === policy.version)
        return await decideUnder(deps, { ...asked, policy, gate, at: deps.runtime.now() })
      await gate.rollback()
      overload = undefined
      if (inForce === null) break
      policy = await deps.policies.load(inForce)
    } catch (error) {
      if (!isRepeatable(error)) throw error
      overload = new OstiaryError('overloaded', { cause: error, headers: { 'retry-after': '1' } })
    }
  }
  throw overload ?? new OstiaryError('policy_changing')
}

/** Whether PostgreSQL rolled back what another attempt may well get through. */
function isRepeatable(error: unknown): boolean {
  const of = error instanceof OstiaryError ? error.cause : error
  return REPEATABLE.includes(String((of as { code?: unknown } | undefined)?.code))
}

async function decideUnder(deps: DiscloseDependencies, attempt: Attempt): Promise<Committed> {
  const { caller, request, mode, policy, gate, at } = attempt
  let ended = false
  const commit = async (write: GateWrite): Promise<void> => {
    ended = true
    try {
      await gate.commit(write)
    } catch (cause) {
      // Whether or not it got through: nothing leaves on it.
      throw new OstiaryError('audit_unavailable', { cause, headers: { 'retry-after': '5' } })
    }
  }
  try {
    const context = await recogniseAsker(deps, attempt, commit)
    const replayOf = earlierAnswer(attempt)
    const earlier = replayOf ? await gate.earlier(replayOf) : undefined
    const records = earlier?.records ?? gate.records
    const facts = factsOf(deps, attempt, context, records)
    const decision = decideReviewed(policy.program, facts, mode.release)
    const id = deps.runtime.uuid()
    const key = await askersKey(deps.vault, attempt, context)
    const looked = earlier ? [...records, ...gate.records] : records
    const made = { id, facts, reviewed: mode.release, records: looked }
    const decided: DecidedCase = {
      id,
      at,
      caller,
      request,
      mode,
      policy,
      context,
      records,
      decision,
      facts: sealDecisionFacts(deps.vault, key, made),
      catalogueVersion: deps.catalogueVersion,
      origin: deps.origin,
      ...(replayOf ? { replayOf } : {}),
      reviewersAsked: earlier?.underReview ?? false,
    }
    const notes = sealNotes(deps.vault, request, key, id)
    const { write, shown } = decidedWrite(decided, deps.runtime, notes)
    await commit(write)
    return { decided, shown, event: write.event, facts }
  } catch (error) {
    if (!ended) await gate.rollback()
    throw error
  }
}

function questionOf(
  caller: Caller,
  request: DisclosureRequest,
  mode: DisclosureMode,
  types: readonly string[],
): GateQuestion {
  if (caller.practitionerId === undefined || caller.role === undefined)
    throw new OstiaryError('practitioner_header_missing')
  return {
    agencyId: caller.agencyId,
    practitionerId: caller.practitionerId,
    role: caller.role,
    caseId: request.caseId,
    subjectId: request.subjectId,
    clientId: caller.clientId,
    types,
    ...(mode.idempotency ? { idempotencyKey: mode.idempotency.key } : {}),
  }
}

/** The disclosure that the same key stands for already, if any. */
function earlierAnswer({ mode, gate }: Attempt): string | undefined {
  if (!mode.idempotency) return undefined
  if (!gate.keyIsMine) throw new OstiaryError('idempotency_key_in_progress')
  const { seen } = gate.context
  if (!seen) return undefined
  const same = Buffer.from(seen.fingerprint, 'base64').equals(mode.idempotency.fingerprint)
  if (!same || seen.operation !== OPERATION) throw new OstiaryError('idempotency_key_reused')
  return seen.resourceId
}

function factsOf(
  deps: DiscloseDependencies,
  { caller, request, fields, gate, at }: Attempt,
  context: RecognisedContext,
  records: readonly GateRecord[],
): Facts {
  const present = flagged(deps, gate.records, request.caseId)
  const considered = records === gate.records ? present : flagged(deps, records, request.caseId)
  return loadFacts(
    deps.catalogue,
    context,
    { considered, present },
    {
      purpose: request.purpose,
      fields,
      justified: Boolean(request.justification?.trim()),
      ethicsNoted: Boolean(request.ethicsNote?.trim()),
      channel: caller.channel,
      sealed: request.seal ?? false,
      approvedBy: [],
      ...(request.exception ? { exception: request.exception.code } : {}),
    },
    caller.role as PractitionerRole,
    at,
  )
}

function flagged(
  { vault }: DiscloseDependencies,
  records: readonly GateRecord[],
  caseId: string,
): FlaggedRecords {
  return { records, flags: vault.openFlags(records.map((one) => sealedRecord(one, caseId))) }
}
