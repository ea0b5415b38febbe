// What must hold for every policy and every request; random packs, random facts.
import fc from 'fast-check'
import t from 'tap'

import { decide } from '../../src/domain/policy/decide.ts'
import type { ForbidStatement, PolicyDocument } from '../../src/domain/policy/document.ts'
import type { Facts, ValueFacts } from '../../src/domain/policy/facts.ts'
import type { Verdict } from '../../src/domain/policy/verdict.ts'
import { factsArbitrary, forbidBody, pack } from './arbitraries.ts'
import { isEqual, plain, program, SEED } from './support.ts'

const RANK = { withheld: 0, review: 1, generalised: 2, released: 3 }

/** Whether no verdict of `after` shows more than the one of `before` in its place. */
function showsNoMore(before: readonly Verdict[], after: readonly Verdict[]): boolean {
  return (
    before.length === after.length &&
    after.every((verdict, i) => RANK[verdict.outcome] <= RANK[before[i]?.outcome ?? 'withheld'])
  )
}

t.test('one more forbid never releases more', async () => {
  fc.assert(
    fc.property(pack, forbidBody, factsArbitrary, (documents, body, facts) => {
      const more: PolicyDocument = {
        policy: 'one-more',
        title: 'One more',
        source: ['R24'],
        forbid: [{ ...body, id: 'X-more' } as ForbidStatement],
      }
      const before = decide(program(documents), facts).verdicts
      return showsNoMore(before, decide(program([...documents, more]), facts).verdicts)
    }),
    { numRuns: 200, seed: SEED },
  )
})

t.test('one permit less never releases more [R7]', async () => {
  fc.assert(
    fc.property(pack, fc.nat(), factsArbitrary, (documents, n, facts) => {
      const ids = documents.flatMap(({ permit = [] }) => permit.map(({ id }) => id))
      const dropped = ids[n % ids.length]
      const fewer = documents.map((document) => ({
        ...document,
        permit: (document.permit ?? []).filter(({ id }) => id !== dropped),
      }))
      const before = decide(program(documents), facts).verdicts
      return showsNoMore(before, decide(program(fewer), facts).verdicts)
    }),
    { numRuns: 200, seed: SEED },
  )
})

t.test('the order of documents makes no difference', async () => {
  fc.assert(
    fc.property(pack, factsArbitrary, (documents, facts) => {
      const one = program(documents)
      const other = program(documents.toReversed())
      const same = isEqual(
        decide(one, facts).verdicts.map(plain),
        decide(other, facts).verdicts.map(plain),
      )
      return one.hash === other.hash && same
    }),
    { numRuns: 150, seed: SEED },
  )
})

t.test(
  'a field is decided alike whatever else is asked, and verdicts keep the order asked',
  async () => {
    fc.assert(
      fc.property(pack, factsArbitrary, (documents, facts) => {
        const compiled = program(documents)
        const apart = facts.request.fields.flatMap((field) => {
          const request = { ...facts.request, fields: [field] }
          const values = facts.values.filter((value) => value.field === field)
          return decide(compiled, { ...facts, request, values }).verdicts
        })
        return isEqual(decide(compiled, facts).verdicts.map(plain), apart.map(plain))
      }),
      { numRuns: 150, seed: SEED },
    )
  },
)

t.test(
  'towards his side every refusal about victim or child is silent, and no review begins',
  async () => {
    const onHisSide = factsArbitrary.map((facts) => ({
      ...facts,
      recipient: { ...facts.recipient, actsFor: ['perpetrator', ...facts.recipient.actsFor] },
    })) as fc.Arbitrary<Facts>
    const reasons = new Set<string>()
    fc.assert(
      fc.property(pack, onHisSide, (documents, facts) => {
        const { verdicts } = decide(program(documents), facts)
        const values = facts.request.fields.flatMap((field) =>
          facts.values.filter((value) => value.field === field),
        )
        return verdicts.every((verdict, i) => {
          const value = values[i]
          if (!value || !isAboutHer(value)) return true
          if (verdict.outcome === 'withheld')
            verdict.reasons.forEach(({ code }) => reasons.add(code))
          if (verdict.outcome === 'review') return false
          return verdict.outcome !== 'withheld' || isUntellable(verdict)
        })
      }),
      { numRuns: 300, seed: SEED },
    )
    t.ok(reasons.size >= 15, `seen with ${reasons.size} reasons`)
  },
)

function isAboutHer(value: ValueFacts): boolean {
  const parties = [...value.subjectParties, ...value.informantParties, ...value.field.locates]
  return (
    parties.some((party) => party === 'victim' || party === 'child') ||
    ['V', 'VS'].includes(value.informant)
  )
}

function isUntellable(verdict: Verdict): boolean {
  return (
    verdict.outcome === 'withheld' &&
    verdict.silent &&
    verdict.explained.length === 0 &&
    verdict.remedies.length === 0
  )
}

t.test(
  'what goes wrong with one value withholds that value, is reported, and touches no other',
  async (t) => {
    let failures = 0
    const breakages: ((value: ValueFacts) => ValueFacts)[] = [
      (value) => ({ ...value, informant: 'XX' as never }),
      (value) => ({ ...value, kind: 'rumour' as never }),
      (value) => ({ ...value, field: { ...value.field, index: 99_999 } }),
      (value) => ({ ...value, source: { ...value.source, sector: 'circus' as never } }),
      (value) => Object.defineProperty({ ...value }, 'flags', { get: () => fail('flags') }),
      (value) =>
        Object.defineProperty({ ...value }, 'restricted', { get: () => fail('restricted') }),
      (value) => ({ ...value, informantParties: null as never }),
    ]
    fc.assert(
      fc.property(pack, factsArbitrary, fc.nat(), fc.nat(), (documents, facts, which, how) => {
        const compiled = program(documents)
        fc.pre(facts.recipient.actsFor.length > 0)
        const asked = facts.values.filter(({ field }) => facts.request.fields.includes(field))
        const victim = asked[which % asked.length]
        const breakage = breakages[how % breakages.length]
        if (!victim || !breakage) return
        const values = facts.values.map((value) => (value === victim ? breakage(value) : value))
        const before = decide(compiled, facts).verdicts
        const { verdicts, errors } = decide(compiled, { ...facts, values })
        const position = inOrder(facts).indexOf(victim)
        verdicts.forEach((verdict, i) => {
          if (i !== position) return void assertSame(verdict, before[i])
          if (verdict.outcome !== 'withheld') throw new Error('released in spite of an error')
          if (verdict.reasons[0]?.code !== 'rule_error') throw new Error('not called an error')
        })
        if (errors.length !== 1) throw new Error('not reported once')
        failures++
      }),
      { numRuns: 150, seed: SEED },
    )
    t.ok(failures > 50, `${failures} failures looked at`)
  },
)

function fail(what: string): never {
  throw new Error(`${what} cannot be read`)
}

function inOrder({ request, values }: Facts): readonly ValueFacts[] {
  return request.fields.flatMap((field) => values.filter((value) => value.field === field))
}

function assertSame(a: Verdict, b: Verdict | undefined): void {
  if (!b || !isEqual(plain(a), plain(b))) throw new Error('another value was decided differently')
}

t.test(
  'a word that the vocabulary lacks, in request or recipient, withholds everything',
  async (t) => {
    const breakages: ((facts: Facts) => Facts)[] = [
      (facts) => ({ ...facts, request: { ...facts.request, purpose: 'curiosity' as never } }),
      (facts) => ({ ...facts, recipient: { ...facts.recipient, sector: 'circus' as never } }),
      (facts) => ({ ...facts, recipient: { ...facts.recipient, role: 'clown' as never } }),
      (facts) => ({ ...facts, recipient: { ...facts.recipient, actsFor: ['himself'] as never } }),
      (facts) => ({ ...facts, subject: { ...facts.subject, roles: ['bystander'] as never } }),
    ]
    for (const breakage of breakages) {
      fc.assert(
        fc.property(pack, factsArbitrary, (documents, facts) => {
          fc.pre(facts.recipient.actsFor.length > 0)
          const { verdicts, errors } = decide(program(documents), breakage(facts))
          const withheld = verdicts.every(
            (verdict) =>
              verdict.outcome === 'withheld' &&
              verdict.reasons.every(({ code }) => code === 'rule_error'),
          )
          return withheld && errors.length === verdicts.length
        }),
        { numRuns: 20, seed: SEED },
      )
    }
    t.pass()
  },
)
