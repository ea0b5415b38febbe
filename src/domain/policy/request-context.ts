import { emptySet, keepOnly, type RuleSet, shared, union } from './bits.ts'
import { ageOf, staleAfter } from './age.ts'
import type { ValueView } from './conditions.ts'
import type { SourceFacts, Facts, ValueFacts } from './facts.ts'
import type { FlagSet } from './flag-sets.ts'
import type { KnownTerms } from './known-answers.ts'
import { legalViewOf, numberOfView } from './legal-regime.ts'
import type { Program } from './program.ts'
import { REASON, type ReasonSet } from './reason-set.ts'
import { accepting, acceptingAny, type RuleTable } from './rule-table.ts'
import { transferOf } from './transfer.ts'
import type { Regime } from './verdict.ts'

/** What holds for every value of one source, found out once. */
export interface SourceContext {
  readonly source: SourceFacts
  /** Rules that accept request and source. */
  readonly permits: RuleSet
  readonly forbids: RuleSet
  /** Those of them that speak of values which are not restricted, and which no person told. */
  readonly usualForbids: RuleSet
  /** Permits that would accept both if only the purpose, or only the role, were another. */
  readonly permitsOfOtherPurpose: RuleSet
  readonly permitsOfOtherRole: RuleSet
  readonly regime: Regime
  /** Number of the legal view of what leaves the source. */
  readonly legalView: number
  /** Terms that were found before, for values of such a source. */
  readonly terms: KnownTerms
}

/** What holds for every value of one request, found out once. */
export interface RequestContext {
  readonly program: Program
  readonly facts: Facts
  /** Whether the recipient takes part in the case. */
  readonly isMember: boolean
  /** Rules that accept recipient, subject and request; the permits of either but for one attribute. */
  readonly permitsOfOtherPurpose: RuleSet
  readonly permitsOfOtherRole: RuleSet
  readonly forbids: RuleSet
  /** Permits that need no claim, or the one that is made. */
  readonly open: RuleSet
  /** Forbids that something may lift. */
  readonly liftable: RuleSet
  /** What the request gives those permits to withhold for that ask about it. */
  readonly lacks: ReasonSet
  /** Flags of the case. */
  readonly flags: FlagSet
  /** Lists of flags that values came with, and what the case's make of them: values of a record share one. */
  readonly listsSeen: (readonly string[])[]
  readonly setsOfLists: FlagSet[]
  /** What holds for every value of a source; values of one record share the object. */
  readonly sources: SourceContext[]
  /** The one that was asked for last: values of one source mostly come one after the other. */
  source: SourceContext | undefined
  /** Written over for each value. */
  readonly standing: RuleSet
  readonly passing: RuleSet
  /** Which rule was at work, should one fail. */
  readonly trace: { rule: string | undefined }
}

/**
 * Narrows all rules to those that accept request, recipient and subject.
 *
 * @throws UnknownWordError when one of them uses a word that the vocabulary does not have
 */
export function resolveRequest(program: Program, facts: Facts): RequestContext {
  const { permitTable, permitMarks, forbidTable, forbidMarks, flagSets } = program
  const { purpose, exception = '' } = facts.request
  const { role } = facts.recipient

  const permitsOfOtherRole = recipientRules(permitTable, facts)
  const permitsOfOtherPurpose = shared(permitsOfOtherRole, accepting(permitTable.role, role))
  keepOnly(permitsOfOtherRole, accepting(permitTable.purpose, purpose))
  const forbids = recipientRules(forbidTable, facts)
  keepOnly(forbids, accepting(forbidTable.role, role))
  keepOnly(forbids, accepting(forbidTable.purpose, purpose))
  const lifted = forbidMarks.lifted.by.get(exception) ?? forbidMarks.lifted.otherwise
  return {
    program,
    facts,
    isMember: facts.recipient.actsFor.length > 0,
    permitsOfOtherPurpose,
    permitsOfOtherRole,
    forbids,
    open: permitMarks.open.by.get(exception) ?? permitMarks.open.otherwise,
    liftable: union(forbidMarks.liftable, lifted),
    lacks: lacksOfRequest(facts),
    flags: flagSets.with(flagSets.none, facts.flags),
    listsSeen: [],
    setsOfLists: [],
    sources: [],
    source: undefined,
    standing: emptySet(program.forbids.length),
    passing: emptySet(program.permits.length),
    trace: { rule: undefined },
  }
}

function lacksOfRequest({ request }: Facts): ReasonSet {
  return (
    (request.justified ? 0 : REASON.justification_missing) |
    (request.ethicsNoted ? 0 : REASON.ethics_note_missing) |
    (request.channel === 'sender_constrained' ? 0 : REASON.channel_too_weak) |
    (request.sealed ? 0 : REASON.seal_required)
  )
}

/** Rules that accept recipient and subject, whatever the role and the purpose. */
function recipientRules(table: RuleTable, facts: Facts): RuleSet {
  const { recipient, subject } = facts
  const set = accepting(table.sector, recipient.sector).slice()
  keepOnly(set, acceptingAny(table.actsFor, recipient.actsFor))
  keepOnly(set, accepting(table.country, recipient.country))
  keepOnly(set, table.public[recipient.public ? 1 : 0])
  keepOnly(set, table.competentAuthority[recipient.competentAuthority ? 1 : 0])
  keepOnly(set, table.nationalAuthorisation[recipient.nationalAuthorisation ? 1 : 0])
  keepOnly(set, acceptingAny(table.subjectRole, subject.roles))
  keepOnly(set, acceptingAny(table.party, subject.parties))
  return set
}

/**
 * Narrows the rules of a request to those that accept the agency which holds a value, and finds the
 * legal regime.
 *
 * @throws UnknownWordError when the source uses a word that the vocabulary does not have
 */
export function resolveSource(context: RequestContext, source: SourceFacts): SourceContext {
  const last = context.source
  if (last?.source === source) return last
  const known = context.sources.find((one) => one.source === source) ?? addSource(context, source)
  context.source = known
  return known
}

function addSource(context: RequestContext, source: SourceFacts): SourceContext {
  const { facts, program } = context
  const { request, recipient } = facts
  const view = legalViewOf(source, recipient, request.purpose, program.ledPurposes)
  const permitsOfOtherPurpose = rulesOfSource(program.permitTable, source, facts)
  const permitsOfOtherRole = shared(permitsOfOtherPurpose, context.permitsOfOtherRole)
  keepOnly(permitsOfOtherPurpose, context.permitsOfOtherPurpose)
  const forbids = rulesOfSource(program.forbidTable, source, facts)
  keepOnly(forbids, context.forbids)
  const { informantParty, restricted } = program.forbidTable
  const usualForbids = shared(forbids, informantParty.indifferent)
  keepOnly(usualForbids, restricted[0])
  const approved = request.approvedBy.includes(source.agencyId)
  const resolved = {
    source,
    permits: shared(permitsOfOtherPurpose, permitsOfOtherRole),
    forbids,
    usualForbids,
    permitsOfOtherPurpose,
    permitsOfOtherRole,
    regime: view.regime,
    legalView: numberOfView(view),
    terms: program.known.termsUnder(approved, view.regime, request.exception),
  }
  context.sources.push(resolved)
  return resolved
}

function rulesOfSource(table: RuleTable, source: SourceFacts, { recipient }: Facts): RuleSet {
  const set = accepting(table.fromSector, source.sector).slice()
  keepOnly(set, acceptingAny(table.fromActsFor, source.actsFor))
  keepOnly(set, table.fromPublic[source.public ? 1 : 0])
  keepOnly(set, table.fromCompetentAuthority[source.competentAuthority ? 1 : 0])
  keepOnly(set, accepting(table.transfer, transferOf(source, recipient)))
  return set
}

/** Flags of the case and of the value's own record. */
export function flagsOf(context: RequestContext, value: ValueFacts): FlagSet {
  const { listsSeen, setsOfLists } = context
  for (let i = 0; i < listsSeen.length; i++)
    if (listsSeen[i] === value.flags) return setsOfLists[i] as FlagSet
  const set = context.program.flagSets.with(context.flags, value.flags)
  if (listsSeen.length < MOST_LISTS) {
    listsSeen.push(value.flags)
    setsOfLists.push(set)
  }
  return set
}

/** So few that looking through them is quicker than to put a set together again. */
const MOST_LISTS = 16

/** What rules may ask about one value. */
export function viewOf(
  context: RequestContext,
  source: SourceContext,
  value: ValueFacts,
  flags: FlagSet,
): ValueView {
  return {
    facts: context.facts,
    value,
    flags,
    regime: source.regime,
    legalBit: 1 << (source.legalView + (context.program.legalClasses[value.field.index] ?? 0)),
    lacks: lacksOf(context, value),
    anyConsent: undefined,
    explicitConsent: undefined,
  }
}

/** What request and value give those permits to withhold for that ask about it. */
function lacksOf({ program, facts, lacks }: RequestContext, value: ValueFacts): ReasonSet {
  let all = lacks
  if (value.verifiedAt === undefined) all |= UNVERIFIED
  if (value.contested) all |= CONTESTED
  if (ageOf(value, facts) > staleAfter(program, value)) all |= STALE
  return all
}

const { unverified: UNVERIFIED, contested: CONTESTED, stale: STALE } = REASON
