import { canonicalize, type Json } from '../log/canonical.ts'
import { sha256 } from '../log/hash.ts'
import type { Catalogue, FieldDefinition, Freshness } from '../catalogue/types.ts'
import { staleAfterOf } from './age.ts'
import { buildCellIndex } from './cell-index.ts'
import { check } from './check.ts'
import type { ExceptClause, ForbidStatement, PermitStatement, PolicyDocument } from './document.ts'
import { durationMs } from './duration.ts'
import type { Fault } from './fault.ts'
import {
  groundlessBits,
  groundsOf,
  LED_PURPOSES,
  legalClassOf,
  numberOfClass,
} from './legal-regime.ts'
import type { ConsentNeed, Exclusion, Forbid, Permit, Program, RuleScope } from './program.ts'
import { FlagSets } from './flag-sets.ts'
import { KnownAnswers } from './known-answers.ts'
import { markForbids, markPermits } from './rule-marks.ts'
import { buildTable } from './rule-table.ts'
import { resolveFields } from './selection.ts'
import type { PolicyVocabulary } from './vocabulary.ts'

export type { Program } from './program.ts'

const DAY = 86_400_000

export type Compiled =
  | { readonly ok: true; readonly program: Program }
  | { readonly ok: false; readonly faults: readonly Fault[] }

/** What national settings may change beside the documents; not part of a program's hash. */
export interface CompileOptions {
  /** Default: `LED_PURPOSES`. */
  readonly ledPurposes?: readonly string[]
  /**
   * By index of the field: age in milliseconds after which a value is stale, instead of the
   * catalogue's. What a flag shortens stays as short. Only for fields that go stale with age.
   */
  readonly freshness?: ReadonlyMap<number, { readonly ms: number }>
}

/**
 * Turns documents into one immutable program. Checks them first: what has a fault does not compile.
 * The order of documents makes no difference, not even to the hash.
 *
 * @param documents of the right shape, as `parsePolicy` gives them
 * @param catalogue must be the one that facts refer to: fields are known by their index in it
 */
export function compile(
  documents: readonly PolicyDocument[],
  catalogue: Catalogue,
  vocabulary: PolicyVocabulary,
  options: CompileOptions = {},
): Compiled {
  const sorted = documents.toSorted((a, b) => byCodeUnits(a.policy, b.policy))
  const faults = check(
    sorted.map((document) => ({ document, file: document.policy, places: new Map() })),
    catalogue,
    vocabulary,
  )
  if (faults.length > 0) return { ok: false, faults }

  const permits = sorted
    .flatMap((document) =>
      (document.permit ?? []).map((rule) => permitOf(rule, document, catalogue)),
    )
    .sort((a, b) => byCodeUnits(a.id, b.id))
  const forbids = sorted
    .flatMap((document) =>
      (document.forbid ?? []).map((rule) => forbidOf(rule, document, catalogue)),
    )
    .sort((a, b) => byCodeUnits(a.id, b.id))
  const cells = buildCellIndex(catalogue, vocabulary)
  const freshness = Object.freeze(
    catalogue.fields.map((field) => freshnessOf(field, options.freshness?.get(field.index))),
  )
  const program: Program = Object.freeze({
    hash: policyHash(sorted),
    documents: sorted,
    catalogue,
    vocabulary,
    permits: Object.freeze(permits),
    forbids: Object.freeze(forbids),
    duties: sorted
      .flatMap((document) => document.duty ?? [])
      .sort((a, b) => byCodeUnits(a.id, b.id)),
    guardrails: sorted
      .flatMap((document) => document.guardrail ?? [])
      .sort((a, b) => byCodeUnits(a.id, b.id)),
    freshness,
    staleAfter: staleAfterOf(freshness),
    ledPurposes: Object.freeze([...(options.ledPurposes ?? LED_PURPOSES)]),
    legalClasses: Uint8Array.from(catalogue.fields, (field) => numberOfClass(legalClassOf(field))),
    cells,
    permitTable: buildTable(permits, cells, vocabulary),
    forbidTable: buildTable(forbids, cells, vocabulary),
    permitMarks: markPermits(permits),
    forbidMarks: markForbids(forbids),
    flagSets: new FlagSets(permits, forbids),
    known: new KnownAnswers(permits, forbids),
  })
  return { ok: true, program }
}

/** `sha256:` and hexadecimal, over the canonical JSON (RFC 8785) of the documents sorted by id. */
export function policyHash(documents: readonly PolicyDocument[]): string {
  const sorted = documents.toSorted((a, b) => byCodeUnits(a.policy, b.policy))
  const text = canonicalize(sorted as unknown as Json)
  return `sha256:${Buffer.from(sha256(new TextEncoder().encode(text))).toString('hex')}`
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function scopeOf(
  rule: PermitStatement | ForbidStatement,
  document: PolicyDocument,
  catalogue: Catalogue,
): RuleScope {
  const { id, to = {}, from = {}, purpose, subject, party, when } = rule
  return {
    id,
    policy: document.policy,
    to,
    from,
    transfer: rule.transfer ?? ['own', 'internal', 'external'],
    selections: resolveFields(rule.fields, catalogue),
    ...(purpose ? { purpose } : {}),
    ...(subject ? { subject } : {}),
    ...(party ? { party } : {}),
    ...(rule.except ? { except: exclusionOf(rule.except, catalogue) } : {}),
    ...(when ? { when } : {}),
  }
}

function exclusionOf(except: ExceptClause, catalogue: Catalogue): Exclusion {
  return {
    selections: except.fields ? resolveFields(except.fields, catalogue) : [],
    informant: except.informant ?? [],
    informantParty: except.informantParty ?? [],
    kind: except.kind ?? [],
    flag: except.flag ?? [],
  }
}

function permitOf(rule: PermitStatement, document: PolicyDocument, catalogue: Catalogue): Permit {
  const { necessary, accurate, timely, secure, basis, exception, transform, expiresAfter } = rule
  // `check` has found the role in the vocabulary.
  const review = rule.review as Permit['review']
  const agreement = rule.agreement ?? document.agreement
  return Object.freeze<Permit>({
    ...scopeOf(rule, document, catalogue),
    // Its own records an agency opens only by rules that say so (R24).
    transfer: rule.transfer ?? ['internal', 'external'],
    ...(agreement?.required ? { agreement } : {}),
    ...(exception ? { exception } : {}),
    ...(transform ? { transform } : {}),
    ...(review ? { review } : {}),
    ...(expiresAfter ? { expiresAfter } : {}),
    justification: necessary.justification === 'required',
    ethicsNote: necessary.ethicsNote === 'required',
    training: (rule.to.training ?? []).map(({ code, maxAge }) => ({ code, maxAge: ms(maxAge) })),
    verified: accurate?.verified === 'required',
    withholdContested: accurate?.contested !== 'mark',
    maxAge: maxAgeOf(timely?.maxAge),
    withholdStale: timely?.onStale !== 'mark',
    boundToken: secure?.channel !== 'any',
    sealed: secure?.sealed === 'required',
    consent: consentOf(basis.consent),
    basis: groundsOf(basis),
    groundless: groundlessBits(basis),
    legal: basis,
    obligations: Object.freeze((rule.obligations ?? []).toSorted()),
  })
}

function forbidOf(rule: ForbidStatement, document: PolicyDocument, catalogue: Catalogue): Forbid {
  const { informant, informantParty, restricted } = rule
  return Object.freeze<Forbid>({
    ...scopeOf(rule, document, catalogue),
    ...(informant ? { informant } : {}),
    ...(informantParty ? { informantParty } : {}),
    ...(restricted ? { restricted } : {}),
    unless: rule.unless,
    unlessConsent: rule.unlessConsent !== undefined,
    ...(typeof rule.unlessConsent === 'object' ? { consentBy: rule.unlessConsent.by } : {}),
    silent: rule.explain === 'silent',
    reason: rule.reason ?? 'shielded',
  })
}

function freshnessOf(
  { freshness }: FieldDefinition,
  instead: { readonly ms: number } | undefined,
): Freshness {
  if (!instead || freshness.kind !== 'days') return freshness
  return Object.freeze({ ...freshness, days: instead.ms / DAY })
}

function consentOf(clause: PermitStatement['basis']['consent']): ConsentNeed {
  if (clause === 'not_needed') return null
  const unless = clause === 'required' ? {} : clause.unless
  return {
    exception: unless.exception ?? [],
    flags: unless.flags ?? [],
    purpose: unless.purpose ?? [],
  }
}

function maxAgeOf(text = 'catalogue'): 'catalogue' | number {
  if (text === 'catalogue') return text
  return text === 'none' ? Number.POSITIVE_INFINITY : ms(text)
}

function ms(duration: string): number {
  const value = durationMs(duration)
  if (value === undefined) throw new Error('unchecked rules: a duration is not one')
  return value
}
