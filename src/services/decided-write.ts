/** What one decision leaves behind: the disclosure, its ledger, its tasks and notices, and its audit event. */
import { isPerpetratorSide } from '../domain/case/parties.ts'
import type { StoredProvenance } from '../domain/case/stored-record.ts'
import type { PractitionerRole } from '../domain/case/vocabulary.ts'
import {
  isRelease,
  type LedgerEntry,
  ledgerOf,
  noticesOf,
  type RecordHolder,
  tasksOf,
} from '../domain/disclosure/effects.ts'
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
import { CanonicalText, type Json } from '../domain/log/canonical.ts'
import { sealEvent } from '../domain/log/event.ts'
import { sealedDigest } from '../domain/log/record-digest.ts'
import type { Decision } from '../domain/policy/decide.ts'
import type { Transfer } from '../domain/policy/document.ts'
import { transferOf } from '../domain/policy/transfer.ts'
import type { Verdict } from '../domain/policy/verdict.ts'
import type { GateRecord } from '../storage/gate.ts'
import type { GateWrite, LedgerRow } from '../storage/gate-write.ts'
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
  /** What it was decided on, sealed. */
  readonly facts: Uint8Array
  /** Number of the catalogue that the facts refer to. */
  readonly catalogueVersion: number
  readonly origin: string
  readonly replayOf?: string
  /** The request that this one repeats has put its questions to people already. */
  readonly reviewersAsked: boolean
}

/** What the requester is shown, entry by entry, with the verdict behind each. */
export interface Shown {
  readonly outcome: Outcome
  readonly entries: readonly { readonly verdict: Verdict; readonly item: DisclosureItem }[]
  /** The items as they are kept and committed to: without values, and without anybody's own words. */
  readonly items: CanonicalText
}

/** The rows and the event of one decision. A preview leaves no ledger, opens no task and tells nobody. */
export function decidedWrite(
  decided: DecidedCase,
  runtime: Runtime,
  notes: SealedText | undefined,
): { write: GateWrite; shown: Shown } {
  const { at, caller, request, mode, policy, decision, records } = decided
  const shown = shownOf(decided)
  const real = mode.kind === 'disclosure'
  const holders = holdersOf(records)
  const exception = request.exception?.code
  const { verdicts } = decision
  const ledger = real ? withNovelty(ledgerOf(verdicts, holders, at), records) : []
  // Nobody is asked twice because an answer was lost on the way.
  const { reviewersAsked: asked } = decided
  const tasks = real
    ? tasksOf(verdicts, holders, caller.agencyId, exception, at).filter(
        ({ kind }) => !asked || kind !== 'before',
      )
    : []
  const notices = real
    ? noticesOf(verdicts, holders, caller.agencyId, exception).filter(
        ({ type }) => !asked || type !== 'review_requested',
      )
    : []
  const refs = { disclosureId: decided.id, caseId: request.caseId }
  const write: GateWrite = {
    event: eventOf(decided, shown, notes, runtime),
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
        recordVersions: Object.fromEntries(records.map((r) => [r.record_id, r.version])),
        policyVersion: policy.version,
        catalogueVersion: decided.catalogueVersion,
        facts: decided.facts,
        sealed: request.seal ?? false,
        underReview: real && verdicts.some(({ outcome }) => outcome === 'review'),
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
  const origins = new Map(records.map((record) => [record.record_id, originsOf(record, context)]))
  const perpetratorSide = isPerpetratorSide([context.membership])
  const entries = visibleVerdicts(decision.verdicts).map((verdict) => {
    const origin = origins.get(verdict.recordId)?.get(verdict.field.name)
    if (!origin) throw new Error('a verdict names a value that was not read')
    return { verdict, item: itemOf(verdict, { ...origin, at, perpetratorSide }) }
  })
  const items = entries.map(({ item }) => item)
  const recorded = new CanonicalText(items.map(withoutWords))
  return { outcome: outcomeOf(items), entries, items: recorded }
}

/** Where a value comes from may be told in somebody's own words, and these never go into the log. */
function withoutWords(item: DisclosureItem): DisclosureItem {
  const provenance = item['provenance'] as ItemProvenance | undefined
  if (provenance?.method === undefined && provenance?.reliability === undefined) return item
  const { method: _, reliability: __, ...codes } = provenance
  return { ...item, provenance: codes }
}

interface Origin {
  readonly provenance: ItemProvenance
  /** As it stands today, which for a repeat is not what it was at the version that is shown. */
  readonly contested: boolean
  readonly transfer: Transfer
}

/** Of each value of a record, by field name; values of one provenance share it. */
function originsOf(record: GateRecord, { agency }: RecognisedContext): ReadonlyMap<string, Origin> {
  const { agency_id: agencyId, organisation_id: organisationId } = record
  const transfer = transferOf(
    { agencyId, organisationId },
    { agencyId: agency.id, organisationId: agency.organisationId },
  )
  const provenances = record.provenance.map((stored) => provenanceOf(record.agency_id, stored))
  const contested = new Set(
    (record.current_fields ?? record.fields).flatMap((field) =>
      field.contested ? field.name : [],
    ),
  )
  return new Map(
    record.fields.flatMap(({ name, provenance: index }) => {
      const provenance = provenances[index]
      return provenance
        ? [[name, { provenance, contested: contested.has(name), transfer }] as const]
        : []
    }),
  )
}

/** In canonical order, as everything that goes into an event. */
function provenanceOf(agencyId: string, provenance: StoredProvenance): ItemProvenance {
  const { informant, kind, collectedAt, verifiedAt, method, reliability } = provenance
  return {
    agencyId,
    collectedAt,
    informant,
    kind,
    ...(method === undefined ? {} : { method }),
    ...(reliability === undefined ? {} : { reliability }),
    ...(verifiedAt === undefined ? {} : { verifiedAt }),
  }
}

/** Marks what holds a field that the recipient never received of that record before. */
function withNovelty(
  ledger: readonly LedgerEntry[],
  records: readonly GateRecord[],
): readonly LedgerRow[] {
  const before = new Map(records.map(({ record_id: id, released }) => [id, released ?? []]))
  return ledger.map((entry) => {
    const known = before.get(entry.recordId)
    return { ...entry, novel: !entry.fields.every((field) => known?.includes(field)) }
  })
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

/**
 * From whom something leaves by the decision, and how far it goes: within the agency, within its
 * organisation, or beyond, and whether across a border. Each source once.
 */
function transfersOf({ context, decision, records }: DecidedCase): Json {
  const left = new Set(decision.verdicts.filter(isRelease).map(({ recordId }) => recordId))
  const sources = new Map(
    records.filter(({ record_id: id }) => left.has(id)).map((one) => [one.agency_id, one] as const),
  )
  const { agency } = context
  return [...sources].map(([agencyId, { organisation_id: organisationId, country }]) => ({
    agencyId,
    crossBorder: country !== agency.country,
    transfer: transferOf(
      { agencyId, organisationId },
      { agencyId: agency.id, organisationId: agency.organisationId },
    ),
  }))
}

/** Public part: what the requester saw. Private part: the silent rest, and what it was decided on. */
function eventOf(
  decided: DecidedCase,
  shown: Shown,
  notes: SealedText | undefined,
  runtime: Runtime,
) {
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
      result: shown.outcome,
    },
    {
      disclosureId: id,
      purpose: request.purpose,
      requested: request.fields,
      justified: Boolean(request.justification?.trim()),
      exception: request.exception?.code ?? null,
      channel: caller.channel,
      sealed: request.seal ?? false,
      policy: { hash: policy.hash, version: policy.version },
      outcome: shown.outcome,
      entries: shown.items,
      recipient: caller.agencyId,
      transfers: transfersOf(decided),
      replayOf: replayOf ?? null,
      releaseOf: mode.release?.of ?? null,
    },
    {
      disclosureId: id,
      hidden,
      ruleErrors: decision.errors.map(({ rule, code }) => ({ code, rule: rule ?? null })),
      considered: records.map(({ record_id: recordId, version }) => ({ recordId, version })),
      catalogueVersion: decided.catalogueVersion,
      sealedDigest: sealedDigest({
        facts: decided.facts,
        notes: notes?.sealed ?? null,
        notesKey: notes?.wrappedKey ?? null,
      }),
    },
    () => runtime.random(32),
  )
}
