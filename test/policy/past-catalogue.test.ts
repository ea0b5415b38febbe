// Facts recorded under one catalogue mean the same under a later one, for explanations and for replays.
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { buildCatalogue } from '../../src/domain/catalogue/catalogue.ts'
import {
  catalogueHash,
  describeCatalogue,
  restoreCatalogue,
} from '../../src/domain/catalogue/catalogue-version.ts'
import type { Catalogue } from '../../src/domain/catalogue/types.ts'
import { decodeFacts } from '../../src/domain/disclosure/decode-facts.ts'
import { encodeFacts } from '../../src/domain/disclosure/encode-facts.ts'
import type { Json } from '../../src/domain/log/canonical.ts'
import { compile } from '../../src/domain/policy/compile.ts'
import { decide } from '../../src/domain/policy/decide.ts'
import type { PolicyDocument } from '../../src/domain/policy/document.ts'
import { underCatalogue } from '../../src/domain/policy/replay.ts'
import type { Verdict } from '../../src/domain/policy/verdict.ts'
import { loadRecordSchemas } from '../../src/files/schemas.ts'
import { catalogue, factsArbitrary, pack, vocabulary } from './arbitraries.ts'

const schemas = loadRecordSchemas(new URL('../../schemas/records', import.meta.url).pathname)
/** Without the first record type, so that every field has another index. */
const later = buildCatalogue(
  schemas.filter((schema) => schema['x-record'] !== catalogue.records[0]?.type),
)

const programUnder = (documents: PolicyDocument[], of: Catalogue) => {
  const compiled = compile(documents, of, vocabulary)
  if (!compiled.ok) throw new Error('the pack does not compile')
  return compiled.program
}
const named = (verdicts: readonly Verdict[]) =>
  verdicts.map(({ field, ...verdict }) => ({ field: field.id, ...verdict }))

t.test('a catalogue that was kept is the same again', async (t) => {
  const description = describeCatalogue(catalogue)
  const kept = JSON.parse(JSON.stringify(description)) as Json
  t.equal(catalogueHash(kept), catalogueHash(description))
  const restored = restoreCatalogue(kept)
  t.same(
    restored.fields.map(({ id, index }) => [id, index]),
    catalogue.fields.map(({ id, index }) => [id, index]),
  )
  t.not(catalogueHash(describeCatalogue(later)), catalogueHash(description))
})

t.test('the same is decided by the kept catalogue, and by a later one', async (t) => {
  const restored = restoreCatalogue(JSON.parse(JSON.stringify(describeCatalogue(catalogue))))
  t.ok(later.fields.every(({ id, index }) => catalogue.fieldsById[id]?.index !== index))
  fc.assert(
    fc.property(pack, factsArbitrary, (documents, facts) => {
      const then = named(decide(programUnder(documents, catalogue), facts).verdicts)
      const again = decodeFacts(encodeFacts({ facts }), restored).facts
      const program = programUnder(documents, restored)
      if (!isDeepStrictEqual(named(decide(program, again).verdicts), then)) return false
      const now = underCatalogue(again, restored, later)
      return isDeepStrictEqual(named(decide(programUnder(documents, later), now).verdicts), then)
    }),
    { numRuns: 60 },
  )
})
