// What must hold for every policy and every request; random packs, random facts.
import fc from 'fast-check'
import t from 'tap'

import { compile, type CompileOptions } from '../../src/domain/policy/compile.ts'
import { decide } from '../../src/domain/policy/decide.ts'
import type {
  ForbidStatement,
  PermitStatement,
  PolicyDocument,
} from '../../src/domain/policy/document.ts'
import type { Facts, ValueFacts } from '../../src/domain/policy/facts.ts'
import type { Basis, Verdict } from '../../src/domain/policy/verdict.ts'
import { catalogue, factsArbitrary, forbidBody, nation, pack, vocabulary } from './arbitraries.ts'
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
    fc.property(pack, nation, forbidBody, factsArbitrary, (documents, options, body, facts) => {
      const more: PolicyDocument = {
        policy: 'one-more',
        title: 'One more',
        source: ['R24'],
        forbid: [{ ...body, id: 'X-more' } as ForbidStatement],
      }
      const before = decide(program(documents, options), facts).verdicts
      return showsNoMore(before, decide(program([...documents, more], options), facts).verdicts)
    }),
    { numRuns: 200, seed: SEED },
  )
})

t.test('one permit less never releases more [R7]', async () => {
  fc.assert(
    fc.property(pack, nation, fc.nat(), factsArbitrary, (documents, options, n, facts) => {
      const ids = documents.flatMap(({ permit = [] }) => permit.map(({ id }) => id))
      const dropped = ids[n % ids.length]
      const fewer = documents.map((document) => ({
        ...document,
        permit: (document.permit ?? []).filter(({ id }) => id !== dropped),
      }))
      const before = decide(program(documents, options), facts).verdicts
      return showsNoMore(before, decide(program(fewer, options), facts).verdicts)
    }),
    { numRuns: 200, seed: SEED },
  )
})

/** The documents with one of their permits changed. */
function withPermit(
  documents: readonly PolicyDocument[],
  n: number,
  change: (permit: PermitStatement) => PermitStatement,
): PolicyDocument[] {
  const ids = documents.flatMap(({ permit = [] }) => permit.map(({ id }) => id))
  const changed = ids[n % ids.length]
  return documents.map((document) => ({
    ...document,
    permit: (document.permit ?? []).map((rule) => (rule.id === changed ? change(rule) : rule)),
  }))
}

t.test('one ground less, or one country more to leave out, never releases more', async (t) => {
  const narrowings: ((permit: PermitStatement) => PermitStatement)[] = [
    (permit) => ({ ...permit, basis: without(permit.basis, 'gdpr') }),
    (permit) => ({ ...permit, basis: without(permit.basis, 'art9') }),
    (permit) => ({ ...permit, basis: without(permit.basis, 'art10') }),
    (permit) => ({ ...permit, basis: without(permit.basis, 'led') }),
    ({ to, ...permit }) => ({
      ...permit,
      to: { ...to, notCountry: [...new Set([...(to.notCountry ?? []), 'AT'])] },
    }),
    ({ from, ...permit }) => ({ ...permit, from: { public: true, ...from } }),
  ]
  let compared = 0
  for (const [which, narrower] of narrowings.entries()) {
    fc.assert(
      fc.property(pack, nation, fc.nat(), factsArbitrary, (documents, options, n, facts) => {
        const after = tryProgram(withPermit(documents, n, narrower), options)
        // What the check refuses never decides.
        if (!after) return true
        compared++
        const before = decide(program(documents, options), facts).verdicts
        return showsNoMore(before, decide(after, facts).verdicts)
      }),
      { numRuns: 60, seed: SEED + which },
    )
  }
  t.ok(compared >= 200, `${compared} compared`)
})

t.test('younger ages never release more', async () => {
  const days = catalogue.fields.filter(({ freshness }) => freshness.kind === 'days')
  const younger = new Map(days.map(({ index }) => [index, { ms: 3_600_000 }]))
  fc.assert(
    fc.property(pack, nation, factsArbitrary, (documents, options, facts) => {
      const before = decide(program(documents, options), facts).verdicts
      const after = program(documents, { ...options, freshness: younger })
      return showsNoMore(before, decide(after, facts).verdicts)
    }),
    { numRuns: 150, seed: SEED },
  )
})

t.test('nothing leaves without a ground of the law that holds, for each category', async (t) => {
  const seen = { gdpr: 0, led: 0, special: 0, criminal: 0 }
  const requests = fc.array(factsArbitrary, { minLength: 5, maxLength: 5 })
  fc.assert(
    fc.property(pack, requests, (documents, asked) => {
      const compiled = program(documents)
      for (const facts of asked) {
        const values = inOrder(facts)
        decide(compiled, facts).verdicts.forEach((verdict, i) => {
          const value = values[i]
          if (!value || !('basis' in verdict)) return
          groundsHold(facts, value, verdict.basis)
          seen[verdict.basis.regime]++
          if (value.field.categories.includes('S9')) seen.special++
          if (value.field.categories.includes('C10')) seen.criminal++
        })
      }
    }),
    { numRuns: 300, seed: SEED },
  )
  for (const [what, count] of Object.entries(seen)) t.ok(count >= 10, `${what}: ${count}`)
})

function groundsHold({ request, recipient }: Facts, value: ValueFacts, basis: Basis): void {
  const { regime, gdpr, art9, art10, led, primary } = basis
  const { categories } = value.field
  const authorities = value.source.competentAuthority && recipient.competentAuthority
  const underLed = authorities && request.purpose === 'order_enforcement'
  if (regime !== (underLed ? 'led' : 'gdpr')) throw new Error('under the wrong law')
  const grounds = underLed ? led : gdpr
  if (!grounds?.includes(primary ?? '')) throw new Error('no first ground')
  const others = underLed ? [gdpr, art9, art10] : [led]
  if (others.some((ground) => ground !== undefined)) throw new Error('of the other law')
  const special = underLed ? led?.includes('10') : art9
  if (categories.includes('S9') && !special) throw new Error('special data')
  const mayHold =
    recipient.public ||
    recipient.nationalAuthorisation ||
    value.source.agencyId === recipient.agencyId
  const criminal = underLed || (art10 && mayHold)
  if (categories.includes('C10') && !criminal) throw new Error('criminal data')
}

function without<T extends object>(whole: T, key: keyof T): T {
  const copy = { ...whole }
  delete copy[key]
  return copy
}

function tryProgram(documents: readonly PolicyDocument[], options: CompileOptions) {
  const compiled = compile(documents, catalogue, vocabulary, options)
  return compiled.ok ? compiled.program : undefined
}

t.test('the order of documents, and of rules in them, makes no difference', async () => {
  fc.assert(
    fc.property(pack, nation, factsArbitrary, (documents, options, facts) => {
      const one = program(documents, options)
      const other = program(documents.toReversed(), options)
      const turned = program(
        documents.map(({ permit = [], forbid, ...document }) => ({
          ...document,
          permit: permit.toReversed(),
          ...(forbid ? { forbid: forbid.toReversed() } : {}),
        })),
        options,
      )
      const [decided, ...again] = [one, other, turned].map((each) =>
        decide(each, facts).verdicts.map(plain),
      )
      return one.hash === other.hash && again.every((verdicts) => isEqual(verdicts, decided))
    }),
    { numRuns: 150, seed: SEED },
  )
})

t.test(
  'a field is decided alike whatever else is asked, and verdicts keep the order asked',
  async () => {
    fc.assert(
      fc.property(pack, nation, factsArbitrary, (documents, options, facts) => {
        const compiled = program(documents, options)
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
