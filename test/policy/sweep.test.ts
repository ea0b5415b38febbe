// Suites that sweep over words: one case that stands for many.
import t from 'tap'
import { check } from '../../src/domain/policy/check.ts'
import { compile } from '../../src/domain/policy/compile.ts'
import type { PolicyDocument } from '../../src/domain/policy/document.ts'
import { parsePolicy, parseSuite } from '../../src/domain/policy/parse.ts'
import { checkSuite, runPolicyTests } from '../../src/domain/policy/testing.ts'
import { policyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { realCatalogue } from '../support/catalogue.ts'

const catalogue = realCatalogue()
const vocabulary = policyVocabulary(catalogue)

const RULE = {
  id: 'R',
  from: { sector: ['perpetrator_programme'] },
  to: { sector: ['victim_support'], role: ['vss_advocate', 'lawyer'], actsFor: ['victim'] },
  purpose: ['safety_urgent'],
  fields: ['programme_engagement/status'],
  necessary: { because: 'her plan depends on it' },
  basis: { gdpr: ['A6-1-e'], art10: 'authorised', consent: 'not_needed' },
}

/** Problems of each case under a pack of one rule. */
function problemsOf(cases: readonly object[], change: object = {}, more: object = {}) {
  const policy = { policy: 'p', title: 'P', source: ['test'], permit: [{ ...RULE, ...change }] }
  const suite = parseSuite({ ...SUITE, ...more, cases })
  if (!suite.ok) return suite.faults.map(({ message }) => message)
  const faults = checkSuite(suite.parsed, catalogue, vocabulary)
  if (faults.length > 0) return faults.map(({ message }) => message)
  const compiled = compile([policy as PolicyDocument], catalogue, vocabulary)
  if (!compiled.ok) throw new Error(compiled.faults[0]?.message)
  return runPolicyTests(compiled.program, catalogue, suite.parsed.document).flatMap(
    ({ problems }) => problems,
  )
}

const SUITE = {
  suite: 's',
  title: 'S',
  people: { Ana: ['victim'], Marko: ['perpetrator_alleged'] },
  agencies: {
    Lighthouse: { sector: 'victim_support', actsFor: ['victim'], nationalAuthorisation: true },
    'Change Path': { sector: 'perpetrator_programme', actsFor: ['perpetrator'] },
  },
  given: {
    values: [
      {
        field: 'programme_engagement.status',
        heldBy: 'Change Path',
        about: 'Marko',
        informant: 'PP',
      },
    ],
  },
  when: {
    agency: 'Lighthouse',
    role: 'vss_advocate',
    about: 'Marko',
    purpose: 'safety_urgent',
  },
}
const released = { others: { outcome: 'released', by: ['R'] } }
const refused = { others: 'refused' }

t.test('each listed word, and every other', async (t) => {
  const cases = [
    { case: 'each', each: { role: ['vss_advocate', 'lawyer'] }, then: released },
    {
      case: 'no other role',
      everyOther: { role: ['vss_advocate', 'lawyer'] },
      then: refused,
    },
    { case: 'no other sector', everyOther: { sector: ['victim_support'] }, then: refused },
    { case: 'no other party', everyOther: { actsFor: ['victim'] }, then: refused },
    { case: 'no other source', everyOther: { from: ['perpetrator_programme'] }, then: refused },
    { case: 'no other purpose', everyOther: { purpose: ['safety_urgent'] }, then: refused },
  ]
  t.same(problemsOf(cases), [])
  const { to } = RULE
  for (const [change, problem] of [
    [{ to: { ...to, role: [...to.role, 'therapist'] } }, 'with role therapist'],
    [{ to: { ...to, role: ['vss_advocate'] } }, 'with role lawyer'],
    [{ to: { ...to, sector: [...to.sector, 'housing'] } }, 'with sector housing'],
    [{ to: { ...to, actsFor: ['victim', 'child'] } }, 'with actsFor child'],
    [{ from: {} }, 'with from police'],
    [{ purpose: ['safety_urgent', 'referral'] }, 'with purpose referral'],
  ] as const) {
    const problems = problemsOf(cases, change)
    t.ok(
      problems.some((text) => text.startsWith(problem)),
      problem,
    )
  }
})

t.test('purpose takes consents along, so that the rules are what stops it', async (t) => {
  const basis = { gdpr: ['A6-1-a'], art10: 'authorised', consent: 'required' }
  const given = {
    ...SUITE.given,
    consents: [{ by: 'Marko', to: 'Lighthouse', purpose: 'safety_urgent', fields: ['*'] }],
  }
  const cases = [
    { case: 'no other', given, everyOther: { purpose: ['safety_urgent'] }, then: refused },
  ]
  t.same(problemsOf(cases, { basis }), [])
  const wide = problemsOf(cases, { basis, purpose: ['safety_urgent', 'referral'] })
  t.ok(wide.some((text) => text.startsWith('with purpose referral')))
})

t.test('flags, informants, subjects and several keys at once', async (t) => {
  const when = { flags: ['risk_high'] }
  const except = { informant: ['V'] }
  const change = { when, except, subject: ['perpetrator_alleged'] }
  const cases = [
    { case: 'on this sign', each: { flag: ['risk_high'] }, then: released },
    { case: 'on no other', everyOther: { flag: ['risk_high'] }, then: refused },
    {
      case: 'not her word',
      each: { flag: ['risk_high'], informant: ['V'] },
      then: { others: { outcome: 'withheld', reasons: ['excluded'] } },
    },
    {
      case: 'about nobody else',
      each: { flag: ['risk_high'] },
      everyOther: { subject: ['perpetrator_alleged'] },
      then: refused,
    },
  ]
  t.same(problemsOf(cases, change), [])
  t.not(problemsOf(cases, { ...change, except: { informant: ['CH'] } }).length, 0)
})

t.test('situations, `with` and every field but some', async (t) => {
  const situations = { 'at night': { when: { role: 'lawyer' } } }
  const cases = [
    { case: 'in it', in: 'at night', then: released },
    { case: 'contested', in: 'at night', with: { contested: true }, then: refused },
    {
      case: 'nothing else',
      given: {
        values: [
          {
            field: '*',
            but: ['programme_engagement/status'],
            heldBy: 'Change Path',
            about: 'Marko',
            informant: 'PP',
          },
        ],
      },
      then: refused,
    },
  ]
  t.same(problemsOf(cases, {}, { situations }), [])
  t.match(problemsOf([{ case: 'no such', in: 'by day', then: released }], {}, { situations }), [
    /no situation is called `by day`/,
  ])
  t.match(problemsOf([{ case: 'x', everyOther: { agency: ['Lighthouse'] }, then: refused }]), [
    /no list of words for `agency`/,
  ])
  const all = { role: [...vocabulary.role], sector: [...vocabulary.sector], flag: ['relapse'] }
  t.same(
    problemsOf([{ case: 'x', each: all, everyOther: { purpose: [] }, then: refused }]).length,
    1,
  )
  t.match(
    problemsOf([
      { case: 'x', each: all, everyOther: { exception: ['break_glass'] }, then: refused },
    ]),
    [/4185 combinations are more than 2000/],
  )
})

t.test(
  'who leads a community or a congregation has no name that a rule could use [R139]',
  async (t) => {
    for (const word of ['community_leader', 'religious_leader', 'elder', 'imam', 'priest']) {
      for (const to of [{ role: [word] }, { sector: [word] }]) {
        const policy = { policy: 'p', title: 'P', source: ['test'], permit: [{ ...RULE, to }] }
        const parsed = parsePolicy(policy)
        if (!parsed.ok) return void t.fail('the shape is right')
        const codes = check([parsed.parsed], catalogue, vocabulary).map(({ code }) => code)
        t.same(codes, ['unknown_name'], `${word} is no recipient`)
      }
    }
    t.notOk(
      [...vocabulary.role, ...vocabulary.sector].some((word) =>
        /communit|religi|church/.test(word),
      ),
      'nor is there another word for them',
    )
  },
)
