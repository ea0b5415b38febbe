// The national packs: each is laid over the default pack, is without fault, and passes its own tests.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'

import { buildCatalogue } from '../../src/domain/catalogue/catalogue.ts'
import { compileWrittenPack } from '../../src/domain/policy/compile-pack.ts'
import { describeFault } from '../../src/domain/policy/fault.ts'
import { parseSuite } from '../../src/domain/policy/parse.ts'
import { prove } from '../../src/domain/policy/proof/prove.ts'
import { checkSuite, runPolicyTests } from '../../src/domain/policy/testing.ts'
import { policyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { listPacks, readPolicyPack } from '../../src/files/policies.ts'
import { loadRecordSchemas } from '../../src/files/schemas.ts'

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'policies')
const catalogue = buildCatalogue(loadRecordSchemas(join(root, 'schemas/records')))
const vocabulary = policyVocabulary(catalogue)
const packs = (await listPacks(folder)).filter((name) => name !== 'default')

/** Seeds that every pack names in its tests. */
const SEED = /WWP EN member report 2017|ASAP D4\.3|MOVE guidance/

async function compilePackNamed(name: string) {
  const files = await readPolicyPack(folder, name)
  const compiled = compileWrittenPack(files.documents, catalogue, vocabulary)
  return { files, faults: compiled.ok ? [] : compiled.faults, compiled }
}

const base = await compilePackNamed('default')

for (const name of packs) {
  t.test(`${name} [R14]`, async (t) => {
    const { files, faults, compiled } = await compilePackNamed(name)
    t.same(faults.map(describeFault), [], 'is without fault')
    if (!compiled.ok || !base.compiled.ok) return
    t.equal(compiled.resolved.profiles.length, 1, 'has one profile')
    t.not(compiled.hash, base.compiled.hash, 'is a pack of its own')

    const texts = await Promise.all(
      files.suites.map(({ file }) => readFile(join(folder, 'national', file), 'utf8')),
    )
    t.match(texts.join('\n'), SEED, 'names the seed')

    // What stands over every flow of the default pack stands here, too.
    const forbids = new Set(compiled.program.forbids.map(({ id }) => id))
    const switched = new Set(compiled.resolved.leftOut.map(({ id }) => id))
    const missing = base.compiled.program.forbids.filter(({ id }) => !forbids.has(id))
    t.same(
      missing.map(({ id }) => id).filter((id) => !switched.has(id)),
      [],
      'lifts no exclusion except by a switch',
    )

    const proof = prove(compiled.program)
    t.equal(proof.guardrails.length, base.compiled.program.guardrails.length)
    t.same(
      proof.guardrails.filter(({ holds }) => !holds).map(({ id }) => id),
      [],
      'keeps every guardrail of the default pack',
    )

    let cases = 0
    for (const { file, text } of files.suites) {
      const suite = parseSuite(text, file)
      if (!suite.ok) return void t.same(suite.faults.map(describeFault), [], file)
      const wrong = checkSuite(suite.parsed, catalogue, vocabulary)
      t.same(wrong.map(describeFault), [], `${file} uses known words`)
      if (wrong.length > 0) return
      for (const result of runPolicyTests(compiled.program, catalogue, suite.parsed.document)) {
        cases++
        t.same(result.problems, [], result.case)
      }
    }
    t.ok(cases >= 5, `${cases} tests`)
  })
}

t.test('there are sixteen', async (t) => {
  t.equal(packs.length, 16, packs.join(', '))
})
