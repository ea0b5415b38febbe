/** Why a past decision came out as it did, for data protection officers and for the server's operator. */
import type { LawfulUse } from '../domain/audit/vocabulary.ts'
import { decideReviewed } from '../domain/disclosure/reviewed.ts'
import {
  entryName,
  hiddenEntries,
  type RecordedEntry,
  recordedOutcomes,
  recordedRequest,
} from '../domain/disclosure/recorded-event.ts'
import type { Json } from '../domain/log/canonical.ts'
import { explain } from '../domain/policy/explain.ts'
import type { ValueExplanation } from '../domain/policy/explanation.ts'
import { caseJson, explanationJson, requestJson } from '../domain/policy/explanation-json.ts'
import { explanationLines } from '../domain/policy/explanation-text.ts'
import type { Facts } from '../domain/policy/facts.ts'
import type { Program } from '../domain/policy/program.ts'
import { OstiaryError } from '../errors.ts'
import type { Database, Tx } from '../storage/database.ts'
import type * as decisions from '../storage/decisions.ts'
import type { DecisionWithEvent } from '../storage/decisions.ts'
import type { Vault } from '../vault/vault.ts'
import type { Acting } from './acting.ts'
import { requireAuditReader } from './audit-reader.ts'
import type { Caller } from './caller.ts'
import { type FactsState, openDecision } from './open-decision.ts'
import type { PastPolicies } from './past-policies.ts'
import { byCommand, calledBy, type RecordEvent } from './record-event.ts'

/** A past decision with its reasons; never a value. */
export interface DecisionExplanation {
  readonly disclosureId: string
  readonly kind: 'disclosure' | 'preview'
  readonly caseId: string
  readonly subjectId: string
  readonly decidedAt: string
  readonly purpose: string
  readonly policy: { readonly version: number; readonly hash: string }
  /** As whom the reader sees it. */
  readonly views: readonly ('recipient' | 'source' | 'authority' | 'operator')[]
  /** Overall outcome as the requester saw it; not for a source. */
  readonly outcome?: string
  /** Whether the facts of then are there; absent where the reader would not see them anyway. */
  readonly facts?: FactsState
  readonly request?: Json
  /** What was known of the case as a whole; for the operator. */
  readonly case?: Json
  readonly entries: readonly Json[]
  /** The same for people to read. */
  readonly text: string
}

export interface ExplainDependencies {
  readonly storage: Pick<typeof decisions, 'findAnyDecision' | 'findDecision'>
  readonly vault: Pick<Vault, 'openFacts'>
  readonly pastPolicies: PastPolicies
  readonly hashOfPolicy: (db: Database | Tx, version: number) => Promise<string>
  readonly recordEvent: RecordEvent
}

/**
 * Explains a past decision to a data protection officer, and writes down that it did and for which
 * lawful use. Who sees what:
 *
 * - The officer of the agency that asked sees what its requester could see, with the rules that
 *   were told: whatever was silent then stays silent, on either side. It comes from the public part of
 *   the event alone, so nothing that was kept from the requester can have an influence on it.
 * - The officer of a source sees, of its own values only, the facts of then and every rule that was
 *   considered, silent ones included.
 * - A source that acts, or ever acted, for the perpetrator sees nothing of the requests of others: that
 *   somebody asked about him is not told to his side (nor by `GET /disclosures?direction=made`).
 * - The supervisory authority (role `dpo` or `auditor`) sees all of it, of requests by agencies of its
 *   own country.
 * - All of it is for the operator of the server, on its command line (`makeExplainToOperator`).
 *
 * Throws `not_permitted` for another role, `not_found` for a decision in which the agency has no such
 * part, or of which nothing is kept any more.
 */
export function makeExplainDecision(deps: ExplainDependencies & { readonly acting: Acting }) {
  return (caller: Caller, id: string, lawfulUse: LawfulUse): Promise<DecisionExplanation> =>
    deps.acting(caller, { operation: 'explainDisclosure', target: id }, async (tx) => {
      requireAuditReader(caller)
      const row = await deps.storage.findDecision(tx, id)
      if (!row?.public_part) throw new OstiaryError('not_found')
      const request = recordedRequest(row.public_part)
      const own = new Set(row.own_records)
      const source = own.size > 0 ? await fullView(deps, row, own) : undefined
      const told = row.asked ? request.entries.filter((one) => !own.has(one.recordId)) : []
      const cited = row.asked ? await citations(deps, row, told) : []
      const views = [
        ...(row.asked ? (['recipient'] as const) : []),
        ...(source ? [row.oversees ? ('authority' as const) : ('source' as const)] : []),
      ]
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        type: 'consult.explanation_viewed',
        caseId: row.case_id,
        subjectId: row.subject_id,
        public: { disclosureId: id, lawfulUse, purpose: 'audit_compliance' },
        private: { views },
      })
      return {
        ...headOf(row, await deps.hashOfPolicy(tx, row.policy_version)),
        views,
        ...(row.asked ? { outcome: request.outcome, request: askedJson(request) } : {}),
        ...(source ? { facts: source.state } : {}),
        ...(source?.facts && !row.asked ? { request: seenBySource(source.facts, own) } : {}),
        entries: [...cited, ...(source?.entries ?? [])],
        text: [...told.map(toldLine), ...(source?.lines ?? [])].join('\n'),
      }
    })
}

/**
 * The same to the operator, who has the database's owner's rights: all values, all causes, what was
 * known of the case. Undefined when there is no such decision. Written down as well.
 */
export function makeExplainToOperator(deps: ExplainDependencies) {
  return async (
    tx: Tx,
    id: string,
    lawfulUse: LawfulUse,
  ): Promise<DecisionExplanation | undefined> => {
    const row = await deps.storage.findAnyDecision(tx, id)
    if (!row) return undefined
    const view = await fullView(deps, row, undefined)
    await deps.recordEvent(tx, {
      ...byCommand('policy explain'),
      type: 'consult.explanation_viewed',
      caseId: row.case_id,
      subjectId: row.subject_id,
      public: { disclosureId: id, lawfulUse, purpose: 'audit_compliance' },
      private: { views: ['operator'] },
    })
    return {
      ...headOf(row, await deps.hashOfPolicy(tx, row.policy_version)),
      views: ['operator'],
      outcome: row.outcome,
      facts: view.state,
      ...(view.facts ? { request: requestJson(view.facts), case: caseJson(view.facts) } : {}),
      entries: view.entries,
      text: view.lines.join('\n'),
    }
  }
}

function headOf(row: DecisionWithEvent, hash: string) {
  return {
    disclosureId: row.id,
    kind: row.kind,
    caseId: row.case_id,
    subjectId: row.subject_id,
    decidedAt: row.decided_at.toISOString(),
    purpose: row.purpose,
    policy: { version: row.policy_version, hash },
  }
}

/** What is known in full of some records' values, or of all. */
interface FullView {
  readonly state: FactsState
  readonly facts?: Facts
  readonly entries: readonly Json[]
  readonly lines: readonly string[]
}

async function fullView(
  deps: ExplainDependencies,
  row: DecisionWithEvent,
  records: ReadonlySet<string> | undefined,
): Promise<FullView> {
  const isShown = ({ recordId }: { readonly recordId: string }): boolean =>
    records === undefined || records.has(recordId)
  const told = row.public_part === null ? [] : recordedRequest(row.public_part).entries
  const hidden = row.private_part === null ? [] : hiddenEntries(row.private_part)
  const opened = await openDecision(deps, row)
  if (opened.state !== 'recorded')
    return withoutFacts(opened.state, told.filter(isShown), hidden.filter(isShown))
  const { facts, reviewed } = opened.recorded
  const { program } = opened.policy
  const { verdicts } = decideReviewed(program, facts, reviewed)
  const { values } = explain(program, facts, verdicts)
  const shown = values.filter(({ verdict }) => isShown(verdict))
  const recorded = recordedOutcomes(told, hidden)
  return {
    state: 'recorded',
    facts,
    entries: explanationJson({ values: shown }).map((entry, i) => ({
      view: 'full',
      ...(entry as object),
      ...differing(shown[i], recorded),
    })),
    lines: explanationLines(shown),
  }
}

/**
 * What the event says, where this program decides the same facts in another way: a later program may
 * have mended a fault of the one that decided.
 */
function differing(
  explained: ValueExplanation | undefined,
  recorded: ReturnType<typeof recordedOutcomes>,
): { readonly recorded?: Json } {
  if (!explained) return {}
  const { verdict } = explained
  const then = recorded.get(entryName({ recordId: verdict.recordId, field: verdict.field.id }))
  if (!then) return {}
  const same = then.outcome === verdict.outcome && then.rules.join() === verdict.rules.join()
  return same ? {} : { recorded: { outcome: then.outcome, rules: then.rules } }
}

/** The facts are gone: outcome, rules and true causes still stand in the event. */
function withoutFacts(
  state: Exclude<FactsState, 'recorded'>,
  told: readonly RecordedEntry[],
  hidden: readonly RecordedEntry[],
): FullView {
  const causes = new Map(hidden.map((entry) => [entryName(entry), entry]))
  const seen = new Set(told.map(entryName))
  const silent = hidden.filter((entry) => !seen.has(entryName(entry)))
  const all = [
    ...told.map((entry) => ({ ...entry, ...causes.get(entryName(entry)), silent: false })),
    ...silent.map((entry) => ({ ...entry, outcome: 'withheld', silent: true })),
  ]
  return {
    state,
    entries: all.map((entry) => ({ view: 'recorded', ...entry })),
    lines: [`${FACTS_WORDS[state]}; the log says what was decided`, ...all.map(toldLine)],
  }
}

const FACTS_WORDS = {
  erased: 'the facts are gone with the key of a person who was erased',
  not_recorded: 'the facts were not recorded',
  policy_unknown: 'this program cannot read the policy of then',
  unreadable: 'the facts do not open',
} as const

/** What the requester was told, each with the rules that it cites. */
async function citations(
  { pastPolicies }: ExplainDependencies,
  row: DecisionWithEvent,
  told: readonly RecordedEntry[],
): Promise<Json[]> {
  const { policy_version: version, catalogue_version: catalogue } = row
  const policy = catalogue === null ? undefined : await pastPolicies(version, catalogue)
  const rules = policy ? rulesOf(policy.program) : new Map<string, Json>()
  return told.map((entry) => ({
    view: 'told',
    ...entry,
    cited: entry.rules.flatMap((rule) => rules.get(rule) ?? []),
  }))
}

function rulesOf({ documents }: Program): ReadonlyMap<string, Json> {
  return new Map(
    documents.flatMap(({ policy, source: all, permit = [], forbid = [] }) =>
      [...permit, ...forbid].map(({ id, title, source = all }): [string, Json] => [
        id,
        { rule: id, policy, ...(title ? { title } : {}), source },
      ]),
    ),
  )
}

function toldLine({ field, recordId, outcome, rules, reasons }: RecordedEntry): string {
  const by = rules.length > 0 ? ` by ${rules.join(', ')}` : ''
  const codes = Array.isArray(reasons)
    ? (reasons as readonly { code: string }[]).map(({ code }) => code)
    : []
  return `${field} (record ${recordId}): ${String(outcome)}${by}${codes.length > 0 ? `: ${codes.join(', ')}` : ''}`
}

function askedJson(request: ReturnType<typeof recordedRequest>): Json {
  const { requested, justified, channel, sealed, exception } = request
  return { requested, justified, channel, sealed, ...(exception === null ? {} : { exception }) }
}

/** Who asked, and for which of the source's own fields. */
function seenBySource(facts: Facts, own: ReadonlySet<string>): Json {
  const held = new Set(
    facts.values.flatMap(({ recordId, field }) => (own.has(recordId) ? [field.id] : [])),
  )
  const fields = facts.request.fields.filter(({ id }) => held.has(id))
  return requestJson({ ...facts, request: { ...facts.request, fields } })
}
