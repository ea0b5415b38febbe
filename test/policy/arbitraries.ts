// Random packs and facts over a small corner of the real vocabulary, so that they meet often.
import fc from 'fast-check'
import { join } from 'node:path'

import { buildCatalogue } from '../../src/domain/catalogue/catalogue.ts'
import type { FieldDefinition, Party } from '../../src/domain/catalogue/types.ts'
import type { CompileOptions } from '../../src/domain/policy/compile.ts'
import type {
  AttributeSelector,
  ForbidStatement,
  PermitStatement,
  PolicyDocument,
} from '../../src/domain/policy/document.ts'
import type { Facts, ValueFacts } from '../../src/domain/policy/facts.ts'
import { policyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { loadRecordSchemas } from '../../src/files/schemas.ts'

export const catalogue = buildCatalogue(
  loadRecordSchemas(join(import.meta.dirname, '../../schemas/records')),
)
export const vocabulary = policyVocabulary(catalogue)

/** Fields of all categories, kinds of freshness and ways to locate somebody. */
export const FIELD_IDS = [
  'person.full_name',
  'person.birth_date',
  'person.cohabiting_now',
  'contact_location.victim_current_address',
  'contact_location.perp_phone',
  'incident.victim_account',
  'incident.occurred_at',
  'risk_assessment.risk_level',
  'risk_assessment.indicators',
  'health.pregnancy',
  'programme_engagement.dropout_at',
  'programme_engagement.rule_breach',
  'programme_engagement.status',
  'migration.relocation_planned_country',
  'referral.from_org_to_org',
]
export const fields = FIELD_IDS.map((id) => catalogue.fieldsById[id] as FieldDefinition)

const SECTORS = ['police', 'victim_support', 'perpetrator_programme']
const ROLES = ['police_officer', 'vss_advocate', 'pp_case_manager']
const PURPOSES = ['safety_urgent', 'risk_management', 'order_enforcement']
const ACTS_FOR = ['victim', 'perpetrator', 'child', 'all']
const PARTIES = ['victim', 'perpetrator', 'child'] as const
const PERSON_ROLES = ['victim', 'perpetrator_alleged', 'child_witness', 'witness']
const INFORMANTS = ['V', 'P', 'CH', 'PO', 'VS', 'CP']
const KINDS = ['fact', 'assessment', 'statement']
const FLAGS = ['risk_high', 'mandate_exists', 'acute_danger']
const EXCEPTIONS = ['break_glass', 'child_safety']
const TRAININGS = ['gbv_basic', 'data_protection']
const CATEGORIES = ['O', 'S9', 'C10', 'K', 'L']
const OBLIGATIONS = ['read_only', 'no_onward_sharing', 'delete_after_purpose']
const REASONS = ['shielded', 'excluded', 'purpose_forbidden', 'restricted'] as const

const DAY = 86_400_000
const NOW = Date.parse('2026-11-17T09:00:00Z')

/** Some of the words, at least one. */
const some = (words: readonly string[]) => fc.subarray([...words], { minLength: 1 })
/** Present `weight` times for every time that it is absent. */
const rarely = <T>(what: fc.Arbitrary<T>, weight: number): fc.Arbitrary<T | undefined> =>
  fc.oneof(
    { weight: 10, arbitrary: fc.constant(undefined) },
    { weight: Math.round(10 * weight), arbitrary: what },
  )
const oneOf = <T>(words: readonly T[]) => fc.constantFrom(...words)

/** Keys that are undefined are absent, as the types demand. */
function record<T>(shape: { [K in keyof T]: fc.Arbitrary<T[K] | undefined> }): fc.Arbitrary<T> {
  return fc
    .record(shape as Record<string, fc.Arbitrary<unknown>>)
    .map(
      (all) =>
        Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as T,
    )
}

/** A mapping that states at least one key, or none at all. */
const orNothing = <T extends object>(what: fc.Arbitrary<T>) =>
  what.map((value) => (Object.keys(value).length === 0 ? undefined : value))

// Somebody is located by L fields of each kind, so that no combination is empty.
const attributes = record<AttributeSelector>({
  category: rarely(some(CATEGORIES), 2),
  locates: rarely(some(PARTIES), 1),
  record: rarely(some(['person', 'health', 'risk_assessment']), 0.3),
  informant: rarely(some(INFORMANTS), 1),
  statement: rarely(some(KINDS), 1),
} as never).map(({ record: records, ...part }) => {
  if (records) return { record: records, ...(part.informant ? { informant: part.informant } : {}) }
  if (Object.keys(part).length === 0) return { category: CATEGORIES }
  const withL = part.category && part.locates && [...new Set([...part.category, 'L'])]
  return withL ? { ...part, category: withL } : part
})

const selector = fc.oneof(
  oneOf(FIELD_IDS),
  oneOf(fields.map((field) => field.group)),
  oneOf(fields.map((field) => `${field.record}.*`)),
)
const fieldClause = fc.oneof(
  attributes,
  fc.array(fc.oneof({ weight: 3, arbitrary: selector }, { weight: 1, arbitrary: attributes }), {
    minLength: 1,
    maxLength: 4,
  }),
  fc.constant([{ category: CATEGORIES }]),
)
/** Forbids are narrower, or they would leave nothing to look at. */
const forbiddenFields = fc.oneof(
  { weight: 3, arbitrary: fc.array(selector, { minLength: 1, maxLength: 2 }) },
  { weight: 1, arbitrary: attributes },
)

const recipient = {
  sector: rarely(some(SECTORS), 0.4),
  role: rarely(some(ROLES), 0.4),
  actsFor: rarely(some(ACTS_FOR), 0.4),
  country: rarely(some(['AT', 'DE']), 0.2),
  notCountry: rarely(some(['DE', 'FR']), 0.2),
  public: rarely(fc.boolean(), 0.1),
  competentAuthority: rarely(fc.boolean(), 0.1),
  nationalAuthorisation: rarely(fc.boolean(), 0.1),
}

/** Without what would leave out every country that is named. */
const somewhere = <T extends { country?: string[]; notCountry?: string[] }>(to: T): T => {
  if (!to.country?.every((code) => to.notCountry?.includes(code))) return to
  const { notCountry: _, ...rest } = to
  return rest as T
}

const scope = {
  from: rarely(
    orNothing(
      record<object>({
        sector: rarely(some(SECTORS), 0.5),
        actsFor: rarely(some(ACTS_FOR), 0.5),
        public: rarely(fc.boolean(), 0.3),
        competentAuthority: rarely(fc.boolean(), 0.5),
      }),
    ),
    0.5,
  ),
  transfer: rarely(some(['own', 'internal', 'external']), 0.7),
  subject: rarely(some(PERSON_ROLES), 0.2),
  party: rarely(some(PARTIES), 0.2),
  except: rarely(
    orNothing(
      record<object>({
        fields: rarely(fieldClause, 0.3),
        informant: rarely(some(INFORMANTS), 0.5),
        informantParty: rarely(some(PARTIES), 0.5),
        kind: rarely(some(KINDS), 0.2),
        flag: rarely(some(FLAGS), 0.5),
      }),
    ),
    0.5,
  ),
  when: rarely(
    fc.oneof(
      fc.record({ flags: some(FLAGS) }),
      fc.record({ anyFlag: some(FLAGS) }),
      fc.record({ noFlags: some(FLAGS) }),
    ),
    0.5,
  ),
}

const agreement = fc.record({
  required: fc.boolean(),
  unlessPurpose: some(PURPOSES),
  onMissing: oneOf(['refuse', 'alert'] as const),
})
const need = oneOf(['required', 'optional'] as const)
const consent = fc.oneof(
  fc.constant('not_needed'),
  fc.constant('required'),
  fc.record({
    required: fc.constant(true),
    unless: fc.oneof(
      fc.record({ exception: some(EXCEPTIONS) }),
      fc.record({ flags: some(FLAGS) }),
      fc.record({ purpose: some(PURPOSES) }),
      fc.record({ purpose: some(PURPOSES), exception: some(EXCEPTIONS) }),
    ),
  }),
)

// Each is enough for every category under one law at least, or the check would refuse it.
const everyGdpr = { gdpr: ['A6-1-e'], art9: 'A9-2-g', art10: 'authorised' }
const grounds = fc.oneof(
  { weight: 6, arbitrary: oneOf([everyGdpr, { ...everyGdpr, led: ['8', '10'] }]) },
  {
    weight: 2,
    arbitrary: oneOf([
      { ...everyGdpr, led: ['8'] },
      { gdpr: ['A6-1-e'], led: ['8', '10'] },
      { gdpr: ['A6-1-e'], art9: 'A9-2-g', led: ['8'] },
      { art10: 'official_authority', led: ['8', '10'] },
      { led: ['8', '10'] },
    ]),
  },
)

// A transform must fit every field of the rule, so `presence` goes anywhere and others to one field.
const transformed = fc.oneof(
  { weight: 5, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.constant({ transform: 'presence' }) },
  { weight: 1, arbitrary: fc.constant({ transform: 'year', fields: ['person.birth_date'] }) },
)

const permitBody = record<Omit<PermitStatement, 'id'>>({
  ...(scope as object),
  to: orNothing(
    record<object>({
      ...recipient,
      training: rarely(
        fc.array(fc.record({ code: oneOf(TRAININGS), maxAge: oneOf(['P30D', 'P2W']) }), {
          minLength: 1,
          maxLength: 2,
        }),
        0.15,
      ),
    }),
  ).map((to) => (to ? somewhere(to) : { actsFor: ACTS_FOR })),
  purpose: some(PURPOSES),
  fields: fieldClause,
  agreement: rarely(agreement, 0.3),
  exception: rarely(some(EXCEPTIONS), 0.3),
  necessary: record<object>({
    because: fc.constant('somebody may be hurt'),
    justification: rarely(need, 0.5),
    ethicsNote: rarely(need, 0.3),
  }),
  accurate: rarely(
    orNothing(
      record<object>({
        verified: rarely(oneOf(['required', 'preferred', 'any']), 1),
        contested: rarely(oneOf(['withhold', 'mark']), 1),
      }),
    ),
    1,
  ),
  timely: rarely(
    orNothing(
      record<object>({
        maxAge: rarely(oneOf(['catalogue', 'none', 'P10D', 'PT12H']), 1),
        onStale: rarely(oneOf(['mark', 'withhold']), 1),
      }),
    ),
    1,
  ),
  secure: rarely(
    orNothing(
      record<object>({
        channel: rarely(oneOf(['sender_constrained', 'any']), 1),
        sealed: rarely(need, 0.5),
      }),
    ),
    1,
  ),
  basis: fc.tuple(grounds, consent, fc.boolean()).map(([given, needed, byConsent]) => ({
    ...given,
    // Consent among the grounds must be asked for.
    ...('gdpr' in given && byConsent && needed !== 'not_needed'
      ? { gdpr: ['A6-1-a', ...given.gdpr] }
      : {}),
    consent: needed,
  })),
  review: rarely(fc.constant({ by: 'vss_advocate', within: 'PT24H' }), 0.3),
  expiresAfter: rarely(oneOf(['PT24H', 'P7D']), 0.2),
  obligations: rarely(fc.subarray(OBLIGATIONS), 1),
} as never)
const permit = fc
  .tuple(permitBody, transformed)
  .map(([body, more]) => ({ ...body, ...more }) as Omit<PermitStatement, 'id'>)

export const forbidBody = record<Omit<ForbidStatement, 'id'>>({
  ...(scope as object),
  to: rarely(orNothing(record<object>(recipient).map(somewhere)), 2),
  purpose: rarely(some(PURPOSES), 1),
  fields: forbiddenFields,
  informant: rarely(some(INFORMANTS), 0.5),
  informantParty: rarely(some(PARTIES), 0.5),
  restricted: rarely(fc.constant(true), 0.7),
  unlessConsent: rarely(
    fc.oneof(
      fc.constant(true),
      some(PARTIES).map((by) => ({ by })),
    ),
    0.7,
  ),
  unless: fc.subarray(EXCEPTIONS),
  explain: oneOf(['silent', 'reason']),
  reason: rarely(oneOf(REASONS), 1),
} as never)

const withIds = <T extends object>(rules: readonly T[], prefix: string, start: number) =>
  rules.map((rule, i) => ({ ...rule, id: `${prefix}${start + i}` }))

/** A pack of up to three documents that compiles; ids say nothing about the order in the documents. */
export const pack: fc.Arbitrary<PolicyDocument[]> = fc
  .array(
    fc.record({
      agreement: rarely(agreement, 0.3),
      permit: fc.array(permit, { minLength: 2, maxLength: 6 }),
      forbid: fc.array(forbidBody, { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((documents) =>
    documents.map(({ agreement: clause, permit: permits, forbid }, i) => ({
      policy: `policy-${9 - i}`,
      title: 'A pack made up for a test',
      source: ['Istanbul Convention art. 18'],
      ...(clause ? { agreement: clause } : {}),
      permit: withIds(permits, 'F', 10 * (3 - i)) as PermitStatement[],
      ...(forbid.length > 0 ? { forbid: withIds(forbid, 'X', 10 * i) as ForbidStatement[] } : {}),
    })),
  )

const AGENCIES = ['a', 'b', 'c']
const PEOPLE = ['ana', 'marko', 'lea']
const ago = fc.oneof(
  fc.integer({ min: 0, max: 100 * DAY }),
  oneOf([0, DAY, 7 * DAY, 10 * DAY, 30 * DAY, 90 * DAY, 12 * 3_600_000, 14 * DAY]),
)

const source = fc.record({
  agencyId: oneOf(AGENCIES),
  sector: oneOf(SECTORS),
  organisationId: oneOf(['one', 'two']),
  public: fc.boolean(),
  competentAuthority: fc.boolean(),
  actsFor: fc.subarray(ACTS_FOR, { maxLength: 2 }),
})

const value = record<ValueFacts>({
  field: oneOf(fields),
  recordId: fc.integer({ min: 0, max: 99 }).map((n) => `record-${n}`),
  version: fc.constant(1),
  source,
  informant: oneOf(INFORMANTS),
  informantPersonId: rarely(oneOf(PEOPLE), 2),
  informantParties: fc.subarray([...PARTIES], { maxLength: 2 }) as fc.Arbitrary<Party[]>,
  kind: oneOf(KINDS),
  collectedAt: ago.map((age) => NOW - age),
  verifiedAt: rarely(
    ago.map((age) => NOW - age),
    1,
  ),
  subjectParties: fc.subarray([...PARTIES], { maxLength: 2 }),
  contested: oneOf([false, false, false, true]),
  restricted: oneOf([false, false, true]),
  flags: fc.subarray(FLAGS, { maxLength: 2 }),
  conditions: rarely(fc.subarray(['read_only', 'ask_first']), 1).map((list) => list ?? []),
  releasedBefore: fc.boolean(),
} as never)

const consentFacts = fc
  .record({
    personId: oneOf(PEOPLE),
    state: oneOf(['given', 'given', 'given', 'withdrawn'] as const),
    age: ago,
    lasts: oneOf([DAY, 30 * DAY, 200 * DAY]),
    withdrawnAgo: rarely(ago, 3),
    explicit: fc.boolean(),
    items: fc.array(
      record<object>({
        purpose: oneOf(PURPOSES),
        recipient: fc.oneof(
          oneOf(AGENCIES).map((agencyId) => ({ agencyId })),
          oneOf(SECTORS).map((sector) => ({ sector })),
        ),
        recipientRoles: rarely(some(ROLES), 0.3),
        fields: fc.oneof(
          { weight: 3, arbitrary: fc.constant(FIELD_IDS) },
          { weight: 1, arbitrary: fc.subarray(FIELD_IDS) },
        ),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ age, lasts, withdrawnAgo, ...rest }) => ({
    ...rest,
    givenAt: NOW - age,
    expiresAt: NOW - age + lasts,
    ...(rest.state === 'withdrawn' && withdrawnAgo !== undefined
      ? { withdrawnAt: NOW - withdrawnAgo }
      : {}),
  }))

/** Facts of a request for up to eight fields, with up to twelve values. */
export const factsArbitrary: fc.Arbitrary<Facts> = fc
  .record({
    at: fc.constant(NOW),
    request: record<object>({
      purpose: oneOf(PURPOSES),
      fields: fc.subarray(fields, { minLength: 1 }),
      justified: oneOf([true, true, false]),
      ethicsNoted: oneOf([true, true, false]),
      exception: rarely(oneOf(EXCEPTIONS), 1),
      channel: oneOf([...Array<string>(5).fill('sender_constrained'), 'bearer']),
      sealed: fc.boolean(),
      approvedBy: fc.subarray(AGENCIES),
    }),
    recipient: fc.record({
      agencyId: oneOf(AGENCIES),
      sector: oneOf(SECTORS),
      country: oneOf(['AT', 'DE', 'FR']),
      public: fc.boolean(),
      competentAuthority: fc.boolean(),
      nationalAuthorisation: fc.boolean(),
      organisationId: oneOf(['one', 'two']),
      actsFor: fc.oneof(
        { weight: 15, arbitrary: fc.subarray(ACTS_FOR, { minLength: 1, maxLength: 2 }) },
        { weight: 1, arbitrary: fc.constant([]) },
      ),
      role: oneOf(ROLES),
      trainings: fc.array(
        fc.record({
          code: oneOf(TRAININGS),
          at: fc.oneof(
            ago.map((age) => NOW - age),
            fc.constant(NOW + DAY),
          ),
        }),
        { maxLength: 3 },
      ),
    }),
    subject: fc.record({
      personId: oneOf(PEOPLE),
      roles: fc.subarray(PERSON_ROLES),
      parties: fc.subarray([...PARTIES]),
    }),
    values: fc.array(value, { minLength: 4, maxLength: 12 }),
    consents: fc
      .array(consentFacts, { maxLength: 5 })
      .map((list) => list.map((one, i) => ({ ...one, id: `consent-${9 - i}` }))),
    agreements: fc.array(
      fc.record({
        id: fc.constant('agreement'),
        parties: fc.subarray(AGENCIES, { minLength: 2 }),
        purposes: some(PURPOSES),
        validFrom: oneOf([0, NOW, NOW + 1]),
        validTo: oneOf([NOW, NOW + 1, NOW + DAY]),
      }),
      { maxLength: 2 },
    ),
    flags: fc.subarray(FLAGS, { maxLength: 2 }),
  })
  .map((facts) => facts as unknown as Facts)

/** What a nation may set beside the documents, mostly nothing. */
export const nation: fc.Arbitrary<CompileOptions> = record<CompileOptions>({
  ledPurposes: rarely(fc.subarray(PURPOSES), 1),
  freshness: rarely(
    fc
      .array(fc.tuple(oneOf(fields), oneOf([12 * 3_600_000, 2 * DAY, 10 * DAY, 90 * DAY])))
      .map((ages) => new Map(ages.map(([field, ms]) => [field.index, { ms }]))),
    1,
  ),
})
