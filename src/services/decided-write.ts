/** What one decision leaves behind: the disclosure, its ledger, its tasks and notices, and its audit event. */
import { isPerpetratorSide } from '../domain/case/parties.ts'
import type { PractitionerRole } from '../domain/case/vocabulary.ts'
import { ledgerOf, noticesOf, type RecordHolder, tasksOf } from '../domain/disclosure/effects.ts'
import {
  type DisclosureItem,
  hiddenItemOf,
  isHidden,
  type ItemProvenance,
  itemOf,
  outcomeOf,
  type Outcome,
  visibleVerdicts,
} from '../domain/disclosure/item.ts'
import { sealEvent } from '../domain/log/event.ts'
import type { Decision } from '../domain/policy/decide.ts'
import type { Verdict } from '../domain/policy/verdict.ts'
import type { GateRecord } from '../storage/gate.ts'
import type { GateWrite } from '../storage/gate-write.ts'
import type { SealedText } from '../vault/text.ts'
import type { ActivePolicy } from './active-policy.ts'
import type { Caller } from './caller.ts'
import type { DisclosureMode, DisclosureRequest } from './disclose-fields.ts'
import type { RecognisedContext } from './load-facts.ts'
import { calledBy } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** operationId under which idempotency keys of disclosures are kept. */
export const OPERATION = 'requestDisclosure'

/** Everything known once the decision has been made. */
export interface DecidedCase {
  readonly id: string
  readonly at: Date
  readonly caller: Caller
  readonly request: DisclosureRequest
  readonly mode: DisclosureMode
  readonly policy: ActivePolicy
  readonly context: RecognisedContext
  readonly records: readonly GateRecord[]
  readonly decision: Decision
  readonly origin: string
  readonly replayOf?: string
}

/** What the requester is shown, entry by entry, with the verdict behind each. */
export interface Shown {
  readonly outcome: Outcome
  readonly entries: readonly { readonly verdict: Verdict; readonly item: DisclosureItem }[]
}

/** The rows and the event of one decision. A preview leaves no ledger, opens no task and tells nobody. */
export function decidedWrite(
  decided: DecidedCase,
  runtime: Runtime,
  notes: SealedText | undefined,
): { write: GateWrite; shown: Shown } {
  const { at, caller, request, mode, policy, decision, records } = decided
  const shown = shownOf(decided)
  const items = shown.entries.map(({ item }) => item)
  const real = mode.kind === 'disclosure'
  const holders = holdersOf(records)
  const exception = request.exception?.code
  const { verdicts } = decision
  const ledger = real ? ledgerOf(verdicts, holders, at) : []
  const tasks = real ? tasksOf(verdicts, holders, caller.agencyId, exception, at) : []
  const notices = real ? noticesOf(verdicts, holders, caller.agencyId, exception) : []
  const refs = { disclosureId: decided.id, caseId: request.caseId }
  const write: GateWrite = {
    event: eventOf(decided, shown, runtime),
    decided: {
      disclosure: {
        id: decided.id,
        kind: mode.kind,
        caseId: request.caseId,
        subjectId: request.subjectId,
        agencyId: caller.agencyId,
        practitionerId: decided.context.practitioner.id,
        role: caller.role as PractitionerRole,
        purpose: request.purpose,
        requested: request.fields,
        outcome: shown.outcome,
        items,
        recordVersions: Object.fromEntries(records.map((r) => [r.record_id, r.version])),
        policyVersion: policy.version,
        sealed: request.seal ?? false,
        underReview: tasks.some(({ kind }) => kind === 'before'),
        decidedAt: at,
        ...(exception ? { exception } : {}),
        ...(notes ? { notes } : {}),
        ...(decided.replayOf ? { replayOf: decided.replayOf } : {}),
        ...(mode.release ? { releasedFrom: mode.release.of } : {}),
      },
      ledger,
      tasks: tasks.map((task) => ({ ...task, id: runtime.uuid() })),
      notices: notices.map((notice) => ({ ...notice, id: runtime.uuid(), refs })),
      // A repeat stands under the key of the first answer; it takes no key of its own.
      ...(mode.idempotency && !decided.replayOf
        ? {
            idempotency: {
              ...mode.idempotency,
              clientId: caller.clientId,
              operation: OPERATION,
            },
          }
        : {}),
    },
  }
  return { write, shown }
}

function shownOf({ context, decision, records, at }: DecidedCase): Shown {
  const byId = new Map(records.map((record) => [record.record_id, record]))
  const perpetratorSide = isPerpetratorSide([context.membership])
  const entries = visibleVerdicts(decision.verdicts).map((verdict) => {
    const record = byId.get(verdict.recordId)
    if (!record) throw new Error('a verdict names a record that was not read')
    const { name } = verdict.field
    const about = { provenance: provenanceOf(record, name), contested: isContested(record, name) }
    return { verdict, item: itemOf(verdict, { ...about, at, perpetratorSide }) }
  })
  return { outcome: outcomeOf(entries.map(({ item }) => item)), entries }
}

/** As it stands today, which for a repeat is not what it was at the version that is shown. */
function isContested({ current_fields: current, fields }: GateRecord, fieldName: string): boolean {
  return (current ?? fields).find(({ name }) => name === fieldName)?.contested ?? false
}

function provenanceOf(record: GateRecord, fieldName: string): ItemProvenance {
  const stored = record.fields.find(({ name }) => name === fieldName)
  const provenance = stored && record.provenance[stored.provenance]
  if (!provenance) throw new Error('a verdict names a value that was not read')
  const { informant, kind, collectedAt, verifiedAt, method, reliability } = provenance
  return {
    agencyId: record.agency_id,
    informant,
    kind,
    collectedAt,
    ...(verifiedAt === undefined ? {} : { verifiedAt }),
    ...(method === undefined ? {} : { method }),
    ...(reliability === undefined ? {} : { reliability }),
  }
}

function holdersOf(records: readonly GateRecord[]): ReadonlyMap<string, RecordHolder> {
  return new Map(
    records.map((record) => [
      record.record_id,
      {
        agencyId: record.agency_id,
        subjectId: record.subject_id,
        perpetratorSide: record.acts_for === 'perpetrator',
      },
    ]),
  )
}

/** Public part: what the requester saw. Private part: the silent rest, and what it was decided on. */
function eventOf(decided: DecidedCase, shown: Shown, runtime: Runtime) {
  const { id, at, caller, request, mode, policy, decision, records, replayOf } = decided
  const hidden = decision.verdicts.filter(isHidden).map(hiddenItemOf)
  return sealEvent(
    {
      ...calledBy(caller),
      id: runtime.uuid(),
      at,
      type: mode.kind === 'preview' ? 'disclose.previewed' : 'disclose.decided',
      caseId: request.caseId,
      subjectId: request.subjectId,
    },
    {
      disclosureId: id,
      purpose: request.purpose,
      requested: request.fields,
      justified: request.justification !== undefined,
      exception: request.exception?.code ?? null,
      channel: caller.channel,
      sealed: request.seal ?? false,
      policy: { version: policy.version, hash: policy.hash },
      outcome: shown.outcome,
      entries: shown.entries.map(({ item }) => item),
      replayOf: replayOf ?? null,
      releaseOf: mode.release?.of ?? null,
    },
    {
      disclosureId: id,
      hidden,
      ruleErrors: decision.errors.map(({ rule, code }) => ({ rule: rule ?? null, code })),
      considered: records.map(({ record_id: recordId, version }) => ({ recordId, version })),
    },
    () => runtime.random(32),
  )
}
