// The guardrails of the default pack hold, and each of them could fail. Those of national packs: national.test.ts.
import { join } from 'node:path'
import t from 'tap'

import { compileWrittenPack } from '../../src/domain/policy/compile-pack.ts'
import { decide } from '../../src/domain/policy/decide.ts'
import type { PolicyDocument } from '../../src/domain/policy/document.ts'
import { describeFault } from '../../src/domain/policy/fault.ts'
import type { Program } from '../../src/domain/policy/program.ts'
import { diff } from '../../src/domain/policy/proof/diff.ts'
import { guardedOutcome, prove } from '../../src/domain/policy/proof/prove.ts'
import { readPolicyPack } from '../../src/files/policies.ts'
import { catalogue, vocabulary } from './arbitraries.ts'
import { program } from './support.ts'

const folder = join(import.meta.dirname, '../../policies')

async function pack(name: string): Promise<Program> {
  const { documents } = await readPolicyPack(folder, name)
  const compiled = compileWrittenPack(documents, catalogue, vocabulary)
  if (!compiled.ok) throw new Error(compiled.faults.map(describeFault).join('\n'))
  return compiled.program
}

const base = await pack('default')

t.test('every guardrail of the default pack is proven', async (t) => {
  const report = prove(base)
  t.ok(report.guardrails.length >= 25, `${report.guardrails.length} guardrails`)
  t.ok(report.classes > 200 && BigInt(report.combinations) > 10n ** 20n, report.combinations)
  for (const { id, holds, counterexample } of report.guardrails)
    t.ok(holds, `${id} ${JSON.stringify(counterexample?.situation ?? {})}`)
  t.ok(report.holds)
})

/**
 * Kept whatever the rules say: silence towards his side and towards strangers, the law on criminal data,
 * and that no body without a part in cases can be a member of one.
 */
const KEPT_WITHOUT_RULES = [
  'G-silent-about-her',
  'G-silent-word',
  'G-silent-holder',
  'G-silent-stranger',
  'G-criminal',
  'G-umbrella',
]

t.test('each guardrail breaks where nothing is forbidden and everything permitted', async (t) => {
  const open = {
    to: {},
    purpose: [...vocabulary.purpose],
    fields: [{ category: [...vocabulary.category] }],
    transfer: ['own', 'internal', 'external'],
    necessary: { because: 'somebody is curious' },
    accurate: { contested: 'mark' },
    timely: { maxAge: 'none' },
    secure: { channel: 'any' },
    basis: {
      gdpr: ['A6-1-e'],
      art9: 'A9-2-g',
      art10: 'authorised',
      led: ['8', '10'],
      consent: 'not_needed',
    },
  } as const
  const careless: PolicyDocument = {
    policy: 'careless',
    title: 'Everything to everybody',
    source: ['made up for this test'],
    permit: [{ id: 'ANY', ...open }],
    guardrail: base.guardrails.filter(({ always }) => !always),
  }
  const carelessProgram = program([careless])
  for (const { id, holds, counterexample } of prove(carelessProgram).guardrails) {
    const guardrail = base.guardrails.find((one) => one.id === id)
    const kept = KEPT_WITHOUT_RULES.includes(id)
    t.equal(holds, kept, id)
    if (!counterexample) continue
    const [verdict] = decide(carelessProgram, counterexample.facts).verdicts
    const outcome = verdict && guardedOutcome(verdict)
    t.ok(outcome && guardrail?.never?.includes(outcome), `${id}: the engine says ${outcome}`)
    t.same(counterexample.rules, ['ANY'], `${id} names the rule`)
  }
  const always = base.guardrails.filter((one) => one.always)
  const shut = program([{ ...careless, permit: [], guardrail: always } as PolicyDocument])
  for (const { id, holds } of prove(shut).guardrails)
    t.notOk(holds, `${id} breaks where nothing is permitted`)
})

t.test('a guardrail that speaks of no request does not hold', async (t) => {
  const empty = program([
    {
      policy: 'empty',
      title: 'Empty',
      source: ['made up for this test'],
      guardrail: [
        {
          id: 'G-empty',
          title: 'No programme that acts for her',
          source: ['made up for this test'],
          to: { sector: ['perpetrator_programme'], actsFor: ['victim'] },
          fields: [{ category: ['L'] }],
          never: ['released'],
        },
      ],
    },
  ])
  const [result] = prove(empty).guardrails
  t.match(result, { id: 'G-empty', holds: false, vacuous: true })
})

t.test('a diff says who gains what, in the words of the rules', async (t) => {
  const permit = base.permits.find(({ id }) => id === 'F9')
  t.ok(permit)
  const without = base.documents.map((document) => ({
    ...document,
    ...(document.permit ? { permit: document.permit.filter(({ id }) => id !== 'F9') } : {}),
  }))
  const fewer = program(without, { ledPurposes: base.ledPurposes })
  const lost = diff(base, fewer)
  t.notOk(lost.empty)
  t.match(
    lost.changes.find(
      ({ kind, fields }) => kind === 'loses' && fields.includes('programme_engagement.dropout_at'),
    ),
    {
      sectors: ['victim_support'],
      purposes: ['safety_urgent'],
      before: { outcome: 'released' },
      after: { outcome: 'withheld' },
    },
  )
  const gained = diff(fewer, base)
  t.equal(
    gained.changes.filter(({ kind }) => kind === 'gains').length,
    lost.changes.filter(({ kind }) => kind === 'loses').length,
  )
  t.ok(diff(base, base).empty)
  // A rule that only says once more what another says changes nothing for anybody.
  const twice = base.documents.map((document) => ({
    ...document,
    ...(document.forbid
      ? {
          forbid: document.forbid.flatMap((rule) =>
            rule.id === 'X-location' ? [rule, { ...rule, id: 'X-location-again' }] : [rule],
          ),
        }
      : {}),
  }))
  t.ok(diff(base, program(twice, { ledPurposes: base.ledPurposes })).empty, 'one more of the same')
})

t.test(
  'rules that name no sector and nobody to act for are proven and compared like others',
  (t) => {
    const source = ['made up for this test']
    const roleAlone = (fields: string[]) =>
      program([
        {
          ...{ policy: 'role-alone', title: 'One role, whoever it works for', source },
          permit: [
            {
              ...{ id: 'T', to: { role: ['police_officer'] }, purpose: ['referral'], fields },
              necessary: { because: 'made up for this test' },
              basis: {
                gdpr: ['A6-1-c'],
                art9: 'A9-2-g',
                art10: 'authorised',
                consent: 'not_needed',
              },
            },
          ],
          guardrail: [
            {
              ...{ id: 'G', title: 'No incident leaves', source },
              ...{ fields: ['incident.*'], never: ['released'] },
            },
          ],
        },
      ])
    const [day, all] = [roleAlone(['incident.occurred_at']), roleAlone(['incident.*'])]
    t.match(prove(day).guardrails, [{ holds: false, counterexample: { rules: ['T'] } }])
    t.notOk(diff(day, all).empty, 'an account is more than a day')
    t.end()
  },
)
