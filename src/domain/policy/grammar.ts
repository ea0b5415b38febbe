import { GUARDED_OUTCOMES } from './document.ts'
import { DURATION_PATTERN } from './duration.ts'
import { REASON_TEST } from './reasons.ts'
import { countryText, durationText, selectorText } from './setting-types.ts'
import { choice, list, name, record, text, type FlagShape, type Shape } from './shape.ts'
import { TRANSFORMS } from './verdict.ts'

// The grammar of policy documents; what the parts mean is told in `document.ts` and docs/policies.md.

const flag: FlagShape = { type: 'flag' }
const onlyTrue: FlagShape = { type: 'flag', only: true }

const ruleId = text('a rule id such as `F9` or `G-location`', 64, '^[A-Za-z][A-Za-z0-9._-]*$')
const prose = text('text', 1000)
const sources = list(text('a citation', 300))

export const duration = durationText

const DURATION_BODY = DURATION_PATTERN.slice(1, -1)
const maxAge = {
  ...text(
    '`catalogue`, `none` or an ISO 8601 duration such as `P30D`',
    40,
    `^(catalogue|none|${DURATION_BODY})$`,
  ),
  setting: 'duration' as const,
}

export const selector = selectorText

const country = countryText

const attributes = record(
  'attributes',
  {},
  {
    category: list(name('category')),
    locates: list(name('party')),
    record: list(name('record')),
    informant: list(name('informant')),
    statement: list(name('kind')),
  },
)

const fields: Shape = {
  type: 'either',
  record: attributes,
  list: list({ type: 'either', scalar: selector, record: attributes }),
}

const except = record(
  'except',
  {},
  {
    fields,
    informant: list(name('informant')),
    informantParty: list(name('party')),
    kind: list(name('kind')),
    flag: list(name('flag')),
  },
)

const when = record(
  'when',
  {},
  {
    flags: list(name('flag')),
    anyFlag: list(name('flag')),
    noFlags: list(name('flag')),
  },
)

const from = record(
  'from',
  {},
  {
    sector: list(name('sector')),
    actsFor: list(name('actsFor')),
    public: flag,
    competentAuthority: flag,
  },
)

const recipient = {
  sector: list(name('sector')),
  role: list(name('role')),
  actsFor: list(name('actsFor')),
  country: list(country),
  notCountry: list(country),
  public: flag,
  competentAuthority: flag,
  nationalAuthorisation: flag,
}

const permitTo = record(
  'permitTo',
  {},
  {
    ...recipient,
    training: list(record(undefined, { code: name('training'), maxAge: duration })),
  },
)

const agreement = record(
  'agreement',
  { required: flag },
  {
    unlessPurpose: list(name('purpose')),
    onMissing: choice('refuse', 'alert'),
  },
)

const consentUnless = record(
  undefined,
  {},
  {
    exception: list(name('exception')),
    flags: list(name('flag')),
    purpose: list(name('purpose')),
  },
)

const basis = record(
  'basis',
  {
    consent: {
      type: 'either',
      scalar: choice('not_needed', 'required'),
      record: record(undefined, { required: onlyTrue, unless: consentUnless }),
    },
  },
  {
    gdpr: list(
      text(
        'a ground of GDPR art. 6(1) such as `A6-1-e`',
        40,
        '^A6-1-([bc]|a|d(-data-subject|-natural-person)?|e(-official-authority|-public-interest)?|f(-controller|-third-party)?)$',
      ),
    ),
    art9: text('a ground of GDPR art. 9(2) such as `A9-2-g`', 10, '^A9-2-[a-j]$'),
    art10: choice('authorised', 'official_authority'),
    led: list({
      ...text(
        'an article of Directive 2016/680 such as `8` or `9-1`',
        10,
        '^[1-9][0-9]?(-[1-9][0-9]?)?$',
      ),
      numbers: true,
    }),
  },
)

const scope = {
  title: prose,
  source: sources,
  from,
  transfer: list(choice('own', 'internal', 'external')),
  subject: list(name('personRole')),
  party: list(name('party')),
  except,
  when,
}

const need = choice('required', 'optional')

const permit = record(
  'permit',
  {
    id: ruleId,
    to: permitTo,
    purpose: list(name('purpose')),
    fields,
    necessary: record(undefined, { because: prose }, { justification: need, ethicsNote: need }),
    basis,
  },
  {
    ...scope,
    agreement,
    exception: list(name('exception')),
    accurate: record(
      undefined,
      {},
      {
        verified: choice('required', 'preferred', 'any'),
        contested: choice('withhold', 'mark'),
      },
    ),
    timely: record(undefined, {}, { maxAge, onStale: choice('mark', 'withhold') }),
    secure: record(undefined, {}, { channel: choice('sender_constrained', 'any'), sealed: need }),
    transform: choice(...TRANSFORMS),
    review: record(undefined, { by: name('role'), within: duration }),
    expiresAfter: duration,
    obligations: list(name('obligation'), 0),
  },
)

/** Whose consent it takes. */
const consentBy = record(undefined, { by: list(name('party')) })

const forbid = record(
  'forbid',
  {
    id: ruleId,
    fields,
    unless: list(name('exception'), 0),
    explain: choice('silent', 'reason'),
  },
  {
    ...scope,
    to: record('forbidTo', {}, recipient),
    purpose: list(name('purpose')),
    informant: list(name('informant')),
    informantParty: list(name('party')),
    restricted: onlyTrue,
    unlessConsent: { type: 'either', scalar: onlyTrue, record: consentBy },
    reason: choice(...Object.keys(REASON_TEST)),
  },
)

const duty = record(
  'duty',
  {
    id: ruleId,
    when: record(undefined, { recorded: selector }),
    notify: record(undefined, { sector: list(name('sector')) }, { role: list(name('role')) }),
    within: duration,
    then: record(undefined, {
      at: duration,
      escalate_to: text('who is told next', 64, '^[a-z][a-z0-9_]*$'),
    }),
  },
  { title: prose, source: sources },
)

const outcomes = list(choice(...GUARDED_OUTCOMES))

const given = record(
  'given',
  {},
  {
    member: flag,
    justified: flag,
    ethicsNoted: flag,
    sealed: flag,
    boundToken: flag,
    agreement: flag,
    approved: flag,
    contested: flag,
    verified: flag,
    trained: flag,
    exception: list(name('exception'), 0),
    within: duration,
    consent: choice('explicit', 'any', 'none'),
  },
)

const guardrail = record(
  'guardrail',
  { id: ruleId, title: prose, source: sources, fields },
  {
    from,
    to: record('guardrailTo', {}, recipient),
    transfer: scope.transfer,
    purpose: list(name('purpose')),
    subject: scope.subject,
    party: scope.party,
    notParty: list(name('party')),
    informant: list(name('informant')),
    informantParty: list(name('party')),
    restricted: flag,
    except,
    when,
    given,
    unless: list(name('exception')),
    unlessConsent: consentBy,
    never: outcomes,
    always: outcomes,
  },
)

/** One policy document. */
export const POLICY_SHAPE = record(
  undefined,
  {
    policy: text('a kebab-case id', 64, '^[a-z][a-z0-9]*(-[a-z0-9]+)*$'),
    title: prose,
    source: sources,
  },
  {
    agreement,
    permit: list(permit),
    forbid: list(forbid),
    duty: list(duty),
    guardrail: list(guardrail),
  },
)
