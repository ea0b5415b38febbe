// Facts as they are recorded: nothing is lost, what was unreadable stays so, and bad bytes are noticed.
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { decodeFacts } from '../../../src/domain/disclosure/decode-facts.ts'
import { encodeFacts } from '../../../src/domain/disclosure/encode-facts.ts'
import { relevantFacts } from '../../../src/domain/disclosure/relevant-facts.ts'
import { MalformedBytes } from '../../../src/domain/disclosure/compact-bytes.ts'
import { compile } from '../../../src/domain/policy/compile.ts'
import { decide } from '../../../src/domain/policy/decide.ts'
import type { Facts, ValueFacts } from '../../../src/domain/policy/facts.ts'
import { catalogue, factsArbitrary, pack, vocabulary } from '../../policy/arbitraries.ts'

const reviewed = fc.option(
  fc.record({
    approvedBy: fc.array(fc.uuid()),
    refusedBy: fc.array(fc.string()),
    records: fc.array(fc.uuid()).map((ids) => new Set(ids)),
  }),
  { nil: undefined },
)
const whenever = fc.oneof(
  fc.integer({ min: -8e12, max: 8e12 }),
  fc.constantFrom(NaN, Infinity, -Infinity),
)

/** The same facts with ids and times of every form. */
const anyFacts: fc.Arbitrary<Facts> = fc
  .tuple(factsArbitrary, fc.uuid(), whenever, whenever)
  .map(([facts, id, early, late]) => ({
    ...facts,
    subject: { ...facts.subject, personId: id },
    agreements: facts.agreements.map((one) => ({ ...one, id, validFrom: early, validTo: late })),
  }))

/** Some values of which flags or informant cannot be read. */
function unreadable(value: ValueFacts, what: 'flags' | 'informantParties'): ValueFacts {
  return Object.defineProperty({ ...value }, what, {
    get: () => {
      throw new Error('closed')
    },
  })
}

t.test('what was recorded is read again, to the last fact', async (t) => {
  fc.assert(
    fc.property(anyFacts, reviewed, (facts, said) => {
      const recorded = { facts, ...(said ? { reviewed: said } : {}) }
      const again = decodeFacts(encodeFacts(recorded), catalogue)
      if (again.facts.values.some(({ field }) => catalogue.fields[field.index] !== field))
        return false
      // Cloned, because what is made up here has objects without a prototype.
      return isDeepStrictEqual(structuredClone(again), structuredClone(recorded))
    }),
    { numRuns: 500 },
  )
  t.pass('all alike')
})

t.test('the same is decided on recorded facts, also where some could not be read', async (t) => {
  let unread = 0
  fc.assert(
    fc.property(
      pack,
      factsArbitrary,
      fc.array(fc.constantFrom('flags', 'informantParties', undefined), { minLength: 12 }),
      (documents, whole, kinds) => {
        const compiled = compile(documents, catalogue, vocabulary)
        if (!compiled.ok) throw new Error('the pack does not compile')
        const values = whole.values.map((value, i) => {
          const what = kinds[i]
          if (!what) return value
          unread++
          return unreadable(value, what)
        })
        const facts = { ...whole, values }
        const recorded = encodeFacts({ facts: relevantFacts(facts) })
        const again = decodeFacts(recorded, catalogue).facts
        return isDeepStrictEqual(decide(compiled.program, again), decide(compiled.program, facts))
      },
    ),
    { numRuns: 200 },
  )
  t.ok(unread > 500)
})

t.test('bytes that are none of ours are refused, whatever they say of lengths', async (t) => {
  const bytes = encodeFacts({ facts: fc.sample(factsArbitrary, { numRuns: 1, seed: 7 })[0]! })
  const refused = (some: Uint8Array): boolean => {
    try {
      decodeFacts(some, catalogue)
      return false
    } catch (error) {
      return error instanceof MalformedBytes
    }
  }
  t.ok(bytes.every((_, end) => refused(bytes.subarray(0, end))))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      try {
        decodeFacts(Uint8Array.from([1, ...noise]), catalogue)
      } catch (error) {
        if (!(error instanceof MalformedBytes)) throw error
      }
    }),
  )
})
