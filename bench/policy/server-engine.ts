/** The server's own engine among the others: neutral requests to facts, verdicts to outcomes. */
import { decide } from '../../src/domain/policy/decide.ts'
import type { Facts, SourceFacts, ValueFacts } from '../../src/domain/policy/facts.ts'
import type { Verdict } from '../../src/domain/policy/verdict.ts'
import type { NeutralField, NeutralRequest } from './neutral-requests.ts'
import type { Engine, Outcome } from './outcome.ts'
import { type Translation, weakeningOf } from './to-policy.ts'

const DAY = 86_400_000
const NOW = Date.parse('2026-11-20T09:00:00Z')
const NONE: readonly never[] = Object.freeze([])

/** Who holds every value: neutral rules do not ask. */
const HOLDER: SourceFacts = Object.freeze({
  agencyId: 'holder',
  sector: 'police',
  organisationId: 'holder',
  competentAuthority: false,
  public: true,
  actsFor: ['all'],
}) as SourceFacts

const AGREEMENT = Object.freeze({
  id: 'agreement',
  parties: ['holder', 'asker'],
  validFrom: 0,
  validTo: Number.MAX_SAFE_INTEGER,
})

/** Decides neutral requests by the server's engine; for checking, not for timing. */
export function serverEngine(name: string, translation: Translation): Engine {
  return {
    name,
    complete: true,
    decide: (request) =>
      outcomesOf(translation, decideFacts(translation, factsOf(request, translation))),
  }
}

/** What is timed: facts in, verdicts out. */
export function decideFacts({ program }: Translation, facts: Facts): readonly Verdict[] {
  const { verdicts, errors } = decide(program, facts)
  if (errors.length > 0) throw new Error(`the engine failed: ${errors[0]?.code}`)
  return verdicts
}

/** The facts of a request. What many values share is one object, as it is when records are read. */
export function factsOf(request: NeutralRequest, { program }: Translation): Facts {
  const { sector, role, purpose, emergency, agreement, channel } = request
  const values = request.fields.map((field, i) => valueOf(field, program.catalogue.fields[i]))
  const facts = {
    at: NOW,
    request: {
      purpose,
      fields: values.map(({ field }) => field),
      justified: true,
      ethicsNoted: true,
      ...(emergency ? { exception: 'emergency' } : {}),
      channel: channel >= 2 ? 'sender_constrained' : 'bearer',
      sealed: channel >= 3,
      approvedBy: NONE,
    },
    recipient: {
      agencyId: 'asker',
      sector,
      country: 'AT',
      public: true,
      competentAuthority: false,
      nationalAuthorisation: false,
      organisationId: 'asker',
      actsFor: ['all'],
      role,
      trainings: NONE,
    },
    subject: { personId: 'person', roles: NONE, parties: NONE },
    values,
    consents: NONE,
    agreements: agreement ? [{ ...AGREEMENT, purposes: [purpose] }] : NONE,
    flags: [...(agreement ? ['agreement'] : []), ...(channel >= 1 ? ['secured'] : [])],
  }
  // The vocabulary is another one, so the words are not those of the types.
  return facts as unknown as Facts
}

function valueOf(field: NeutralField, definition: ValueFacts['field'] | undefined): ValueFacts {
  if (definition?.record !== field.category) throw new Error('fields and catalogue do not match')
  const collectedAt = NOW - field.ageDays * DAY
  return {
    field: definition,
    recordId: 'record',
    version: 1,
    source: HOLDER,
    informant: field.source,
    informantParties: NONE,
    kind: 'fact',
    collectedAt,
    verifiedAt: field.verified ? collectedAt : undefined,
    subjectParties: shared([field.subject]),
    contested: false,
    restricted: false,
    flags: shared([
      ...(field.verified ? [] : ['unverified']),
      ...(field.ageDays > field.maxAgeDays ? ['stale'] : []),
      ...(['granted', 'withdrawn'].includes(field.consent) ? [field.consent] : []),
    ]),
    conditions: NONE,
    releasedBefore: false,
  } as unknown as ValueFacts
}

const SHARED = new Map<string, readonly string[]>()

/** One array for all that hold the same words. */
function shared(words: readonly string[]): readonly string[] {
  const key = words.join()
  const known = SHARED.get(key) ?? Object.freeze(words)
  SHARED.set(key, known)
  return known
}

/** What verdicts say in neutral terms. */
export function outcomesOf(
  { ruleOf }: Translation,
  verdicts: readonly Verdict[],
): readonly Outcome[] {
  return verdicts.map((verdict): Outcome => {
    const rules = [...new Set(verdict.rules.flatMap((id) => ruleOf.get(id) ?? []))]
    rules.sort((a, b) => a.position - b.position)
    const reasons = rules.map(({ id }) => id)
    if (verdict.outcome === 'released') return { decision: 'permit', weakening: null, reasons }
    if (verdict.outcome === 'generalised') {
      const weakening =
        (verdict.transform && weakeningOf(verdict.transform, verdict.field.record)) ?? null
      return { decision: 'transform', weakening, reasons }
    }
    if (verdict.outcome === 'review') throw new Error('no neutral rule asks a person')
    // Where no permit passes, the server names the one that came closest; it determined nothing.
    const forbids = rules.filter(({ effect }) => effect === 'forbid').map(({ id }) => id)
    return { decision: 'deny', weakening: null, reasons: forbids }
  })
}
