import type { Json } from '../log/canonical.ts'
import type {
  Explanation,
  ForbidConsidered,
  PermitConsidered,
  ValueExplanation,
} from './explanation.ts'
import type { Facts, ValueFacts } from './facts.ts'
import type { Verdict } from './verdict.ts'

/** An explanation as JSON, times in ISO 8601. The caller says which of its values may be told. */
export function explanationJson({ values }: Pick<Explanation, 'values'>): Json[] {
  return values.map(entryJson)
}

function entryJson(explained: ValueExplanation): Json {
  const { verdict, value, regime, consent, forbids, permits, failure } = explained
  return {
    field: verdict.field.id,
    recordId: verdict.recordId,
    version: verdict.version,
    ...verdictJson(verdict),
    facts: valueJson(value),
    ...(regime ? { regime } : {}),
    ...(consent ? { consent: { ...consent } } : {}),
    forbids: forbids.map(forbidJson),
    permits: permits.map(permitJson),
    ...(failure ? { failure } : {}),
  }
}

function verdictJson(verdict: Verdict): { readonly [member: string]: Json } {
  const { outcome, silent, tests, rules } = verdict
  const common = { outcome, silent, tests: { ...tests } as Json, rules }
  if (verdict.outcome === 'withheld') {
    const reasons = verdict.reasons.map((reason) => ({ ...reason }))
    const told = verdict.explained.map((reason) => ({ ...reason }))
    return { ...common, reasons, told, remedies: verdict.remedies }
  }
  if (verdict.outcome === 'review') return { ...common, review: { ...verdict.review } }
  const { transform, basis, obligations, stale, exception, expiresAfter, agreementAlert } = verdict
  return {
    ...common,
    ...(transform ? { transform } : {}),
    basis: { ...basis } as Json,
    obligations,
    stale,
    agreementAlert,
    ...(exception ? { exception } : {}),
    ...(expiresAfter ? { expiresAfter } : {}),
  }
}

function valueJson(value: ValueFacts): Json {
  const { source, verifiedAt } = value
  return {
    source: { agencyId: source.agencyId, sector: source.sector, actsFor: source.actsFor },
    informant: value.informant,
    informantParties: readable(() => value.informantParties),
    kind: value.kind,
    collectedAt: time(value.collectedAt),
    ...(verifiedAt === undefined ? {} : { verifiedAt: time(verifiedAt) }),
    subjectParties: value.subjectParties,
    contested: value.contested,
    restricted: value.restricted,
    flags: readable(() => value.flags),
    conditions: value.conditions,
    releasedBefore: value.releasedBefore,
  }
}

function forbidJson({ source, ...forbid }: ForbidConsidered): Json {
  return { ...forbid, ...(source ? { source } : {}) } as Json
}

function permitJson({ source, tests, freshness, ...permit }: PermitConsidered): Json {
  return {
    ...permit,
    ...(source ? { source } : {}),
    ...(tests ? { tests: { ...tests } as Json } : {}),
    ...(freshness ? { freshness: { ...freshness } } : {}),
  } as Json
}

/** Who asked for what, as it was then; no consents, flags or values. */
export function requestJson({ request, recipient }: Facts): Json {
  const { exception } = request
  return {
    purpose: request.purpose,
    fields: request.fields.map(({ id }) => id),
    justified: request.justified,
    ethicsNoted: request.ethicsNoted,
    channel: request.channel,
    sealed: request.sealed,
    ...(exception === undefined ? {} : { exception }),
    recipient: {
      agencyId: recipient.agencyId,
      sector: recipient.sector,
      country: recipient.country,
      public: recipient.public,
      competentAuthority: recipient.competentAuthority,
      nationalAuthorisation: recipient.nationalAuthorisation,
      actsFor: recipient.actsFor,
      role: recipient.role,
      trainings: recipient.trainings.map(({ code, at }) => ({ code, at: time(at) })),
    },
  }
}

/** What was known of the case as a whole; for the operator of the server alone. */
export function caseJson({ subject, flags, consents, agreements }: Facts): Json {
  return {
    subject: { roles: subject.roles, parties: subject.parties },
    flags,
    consents: consents.map(({ id, state, givenAt, expiresAt, withdrawnAt, explicit }) => ({
      id,
      state,
      explicit,
      givenAt: time(givenAt),
      expiresAt: time(expiresAt),
      ...(withdrawnAt === undefined ? {} : { withdrawnAt: time(withdrawnAt) }),
    })),
    agreements: agreements.map(({ id, purposes, validFrom, validTo }) => ({
      id,
      purposes,
      validFrom: time(validFrom),
      validTo: time(validTo),
    })),
  }
}

/** ISO 8601, null for what is no time. */
function time(at: number): string | null {
  return Number.isFinite(at) ? new Date(at).toISOString() : null
}

/** Null for what could not be read. */
function readable(read: () => readonly string[]): Json {
  try {
    return read()
  } catch {
    return null
  }
}
