import { ageLimit } from './age.ts'
import { cellOf } from './cell-index.ts'
import { consentOf, type ValueView } from './conditions.ts'
import { decide } from './decide.ts'
import { agreementResult, evaluatePermit } from './evaluate-permit.ts'
import type {
  ConsentUsed,
  Explanation,
  ForbidConsidered,
  Freshness,
  PermitConsidered,
  ScopeClause,
  ValueExplanation,
} from './explanation.ts'
import type { Facts, ValueFacts } from './facts.ts'
import { judgeForbid } from './judge-forbid.ts'
import type { Forbid, Permit, Program, RuleScope } from './program.ts'
import { allTests, codesOf } from './reason-set.ts'
import {
  type RequestContext,
  flagsOf,
  resolveRequest,
  resolveSource,
  viewOf,
} from './request-context.ts'
import { type ClauseCheck, scopeClauses } from './scope-clauses.ts'
import type { Verdict } from './verdict.ts'

const DAY = 86_400_000

/**
 * Explains a decision from the facts that it was made on. It asks the very tables and tests that
 * `decide` asks, rule by rule and clause by clause, also of rules that the decision could leave aside,
 * and takes the verdicts from `decide` itself.
 *
 * @param verdicts where reviewers were heard: what came of it
 */
export function explain(
  program: Program,
  facts: Facts,
  verdicts: readonly Verdict[] = decide(program, facts).verdicts,
): Explanation {
  const titles = titlesOf(program)
  const context = contextOf(program, facts)
  const values = Map.groupBy(facts.values, nameOf)
  return {
    policy: program.hash,
    values: verdicts.map((verdict) => {
      const value = values.get(nameOf(verdict))?.shift()
      if (!value) throw new Error('a verdict names a value that is not among the facts')
      return explainValue(context, titles, value, verdict)
    }),
  }
}

/** Undefined when the request itself has a word that the rules do not know. */
function contextOf(program: Program, facts: Facts): RequestContext | undefined {
  try {
    return resolveRequest(program, facts)
  } catch {
    return undefined
  }
}

const nameOf = ({ recordId, field }: Pick<ValueFacts, 'recordId' | 'field'>): string =>
  `${recordId}/${field.id}`

type Titles = ReadonlyMap<string, { readonly title?: string; readonly source: readonly string[] }>

function titlesOf({ documents }: Program): Titles {
  return new Map(
    documents.flatMap(({ source: all, permit = [], forbid = [] }) =>
      [...permit, ...forbid].map(
        ({ id, title, source = all }) => [id, { ...(title ? { title } : {}), source }] as const,
      ),
    ),
  )
}

function explainValue(
  context: RequestContext | undefined,
  titles: Titles,
  value: ValueFacts,
  verdict: Verdict,
): ValueExplanation {
  const failed = { verdict, value, forbids: [], permits: [], failure: 'unreadable_facts' } as const
  if (!context) return failed
  try {
    const source = resolveSource(context, value.source)
    const view = viewOf(context, source, value, flagsOf(context, value))
    const cell = cellOf(context.program.cells, value)
    const of = { context, view, cell, titles }
    const forbids = forbidsConsidered(of)
    const reached = !forbids.some(({ result }) => result === 'stands')
    return {
      verdict,
      value,
      regime: source.regime,
      consent: consentUsed(view),
      forbids,
      permits: permitsConsidered(of, reached && context.facts.recipient.actsFor.length > 0),
    }
  } catch {
    return failed
  }
}

/** One value in the course of being explained. */
interface Explained {
  readonly context: RequestContext
  readonly view: ValueView
  readonly cell: number
  readonly titles: Titles
}

function forbidsConsidered(of: Explained): ForbidConsidered[] {
  const { forbids, forbidTable } = of.context.program
  const clauses = scopeClauses(forbidTable, of.context, of.view, of.cell)
  return naming(forbids, of.view.value).map(([forbid, position]: [Forbid, number]) => {
    const mismatches = mismatchesOf(clauses, position)
    return {
      ...about(forbid, of.titles),
      mismatches,
      ...(mismatches.length === 0 ? { result: judgeForbid(forbid, of.view) } : {}),
      silent: forbid.silent,
    }
  })
}

function permitsConsidered(of: Explained, reached: boolean): PermitConsidered[] {
  const { permits, permitTable } = of.context.program
  const clauses = scopeClauses(permitTable, of.context, of.view, of.cell)
  return naming(permits, of.view.value).map(([permit, position]: [Permit, number]) => {
    const mismatches = mismatchesOf(clauses, position)
    const head = { ...about(permit, of.titles), mismatches }
    if (mismatches.length > 0 || !reached) return head
    const attempt = evaluatePermit(of.context, of.view, position)
    return {
      ...head,
      tests: allTests(attempt.failed),
      reasons: codesOf(attempt.failed),
      ...(permit.agreement ? { agreement: agreementResult(permit, of.view) } : {}),
      freshness: freshnessOf(of.context.program, permit, of.view),
    }
  })
}

/** Rules that name the value's field, with their positions. */
function naming<Rule extends RuleScope>(
  rules: readonly Rule[],
  { field }: ValueFacts,
): [Rule, number][] {
  return rules.flatMap((rule, position): [Rule, number][] =>
    rule.selections.some(({ fields }) => fields.includes(field.index)) ? [[rule, position]] : [],
  )
}

function mismatchesOf(clauses: readonly ClauseCheck[], position: number): ScopeClause[] {
  return clauses.flatMap(({ clause, accepts }) => (accepts(position) ? [] : [clause]))
}

function about({ id: rule, policy }: RuleScope, titles: Titles) {
  return { rule, policy, ...titles.get(rule) }
}

function consentUsed(view: ValueView): ConsentUsed {
  const standing = consentOf(view, false)
  if (standing.state !== 'live') return { state: standing.state }
  return { state: 'live', consentId: standing.consent.id }
}

function freshnessOf(program: Program, permit: Permit, { facts, value }: ValueView): Freshness {
  const limit = ageLimit(program, permit, value)
  const age = facts.at - (value.verifiedAt ?? value.collectedAt)
  return {
    age: inDays(age),
    limit: Number.isFinite(limit) ? inDays(limit) : null,
    state: age <= limit ? 'fresh' : permit.withholdStale ? 'withholds' : 'marks',
  }
}

const inDays = (milliseconds: number): number => Math.round((10 * milliseconds) / DAY) / 10
