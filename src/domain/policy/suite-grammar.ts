import { duration, selector } from './grammar.ts'
import { REASON_TEST, REMEDIES, TESTS } from './reasons.ts'
import {
  choice,
  type FlagShape,
  list,
  name,
  record,
  type Shape,
  type TableShape,
  text,
} from './shape.ts'
import type { SweepKey } from './suite.ts'
import { TRANSFORMS } from './verdict.ts'

// The grammar of policy tests; what the parts mean is told in `suite.ts` and docs/policies.md.

const flag: FlagShape = { type: 'flag' }
const prose = text('text', 300)
const properName = text('a name such as `Ana` or `Change Path`', 60, "^\\p{Lu}[\\p{L}\\p{N} .'-]*$")
const instant = text(
  'a UTC date or instant such as `2026-11-17` or `2026-11-17T09:00:00Z`',
  24,
  '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2})?Z)?$',
)
const ruleIds = list(text('a rule id', 64), 0)
const SITUATION = '^[a-z][a-z ]*$'
const reasons = list(choice(...Object.keys(REASON_TEST)), 0)

function table(keys: TableShape['keys'], of: Shape, min = 1): TableShape {
  return { type: 'table', keys, of, min }
}

const agency = record(
  'agency',
  { sector: name('sector'), actsFor: list(name('actsFor'), 0) },
  {
    country: text('an ISO 3166-1 country code such as `AT`', 2, '^[A-Z]{2}$'),
    public: flag,
    competentAuthority: flag,
    nationalAuthorisation: flag,
    organisation: properName,
  },
)

const selectorOrAll = text(
  'a selector, or `*` for every field',
  120,
  `${selector.pattern?.slice(0, -1)}$|^[*]$`,
)

const ofValue = {
  about: properName,
  informant: name('informant'),
  toldBy: properName,
  kind: choice('fact', 'assessment', 'statement'),
  age: duration,
  verified: duration,
  contested: flag,
  restricted: flag,
  releasedBefore: flag,
  flags: list(name('flag'), 0),
  conditions: list(text('a condition', 100), 0),
}

const value = record(
  'value',
  { field: { type: 'either', scalar: selectorOrAll, list: list(selector) }, heldBy: properName },
  { but: list(selector), ...ofValue },
)

const consent = record(
  'consent',
  {
    by: properName,
    to: {
      type: 'either',
      scalar: properName,
      record: record(undefined, { sector: name('sector') }),
    },
    purpose: name('purpose'),
    fields: list(selectorOrAll),
  },
  {
    roles: list(name('role')),
    explicit: flag,
    given: duration,
    lasts: duration,
    withdrawn: duration,
  },
)

const agreement = record(
  'agreement',
  { between: list(properName), purposes: list(name('purpose')) },
  { from: instant, until: instant },
)

const given = record(
  'given',
  {},
  {
    values: list(value, 0),
    consents: list(consent, 0),
    agreements: list(agreement, 0),
    flags: list(name('flag'), 0),
  },
)

const when = record(
  'when',
  {},
  {
    agency: properName,
    role: name('role'),
    about: properName,
    purpose: name('purpose'),
    fields: list(selector),
    justified: flag,
    ethicsNoted: flag,
    exception: name('exception'),
    channel: choice('sender_constrained', 'bearer'),
    sealed: flag,
    approvedBy: list(properName, 0),
    trainings: table(text('a training', 40, '^[a-z_]+$'), duration, 0),
  },
)

const outcome = choice('released', 'generalised', 'review', 'withheld', 'silent', 'refused')

const expectation = record(
  'expectation',
  { outcome },
  {
    rules: ruleIds,
    by: ruleIds,
    reasons,
    explained: reasons,
    remedies: list(choice(...REMEDIES), 0),
    fails: list(choice(...TESTS), 0),
    obligations: list(text('an obligation', 100), 0),
    stale: flag,
    transform: choice(...TRANSFORMS),
    exception: text('an exception or `none`', 40, '^[a-z_]+$'),
    consent: choice('used', 'not_needed'),
    regime: choice('gdpr', 'led'),
    agreementAlert: flag,
    expiresAfter: duration,
    reviewBy: name('role'),
  },
)

const expected: Shape = { type: 'either', scalar: outcome, record: expectation }

const sweep = record('sweep', {}, {
  agency: list(properName),
  role: list(name('role')),
  about: list(properName),
  purpose: list(name('purpose')),
  exception: list(name('exception')),
  sector: list(name('sector')),
  actsFor: list(name('actsFor')),
  from: list(name('sector')),
  fromActsFor: list(name('actsFor')),
  subject: list(name('personRole')),
  informant: list(name('informant')),
  flag: list(name('flag')),
} satisfies Record<SweepKey, Shape>)

const suiteCase = record(
  'case',
  {
    case: prose,
    then: table(
      text('a selector or `others`', 120, `${selector.pattern?.slice(0, -1)}$|^others$`),
      {
        type: 'either',
        scalar: outcome,
        record: expectation,
        list: { ...list(expected), repeats: true },
      },
    ),
  },
  {
    given,
    when,
    in: text('the name of a situation', 40, SITUATION),
    with: record(undefined, {}, { heldBy: properName, ...ofValue }),
    each: sweep,
    everyOther: sweep,
  },
)

/** One test suite. */
export const SUITE_SHAPE = record(
  undefined,
  {
    suite: text('a kebab-case id', 64, '^[a-z][a-z0-9]*(-[a-z0-9]+)*$'),
    title: prose,
    people: table(properName, list(name('personRole'))),
    agencies: table(properName, agency),
    cases: list(suiteCase),
  },
  {
    at: instant,
    given,
    when,
    situations: table(
      text('the name of a situation', 40, SITUATION),
      record('situation', {}, { given, when }),
    ),
  },
)
