// Definitions are shared, rest on law, and have versions (R131).
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { canonicalize, type Json } from '../../src/domain/log/canonical.ts'
import { buildGlossary, glossaryFaults } from '../../src/domain/policy/glossary.ts'
import { policyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { readGlossary } from '../../src/files/glossary.ts'
import { realCatalogue } from '../support/catalogue.ts'

const path = join(import.meta.dirname, '../../schemas/glossary.json')
const source = readGlossary(path)
const catalogue = realCatalogue()
const vocabulary = policyVocabulary(catalogue)
const glossary = buildGlossary(source, catalogue)

t.test(
  'every word of the vocabulary and every list of codes is defined, with its law [R131]',
  async (t) => {
    t.same(glossaryFaults(glossary, vocabulary, catalogue), [])
    const named = new Set(glossary.lists.map(({ name }) => name))
    for (const { id, codes } of catalogue.fields) if (codes) t.ok(named.has(id), id)
    for (const { name, words } of glossary.lists)
      for (const { word, basis, definition } of words) {
        t.ok(basis.length > 0, `${name} ${word} rests on something`)
        t.ok(definition.length > 4, `${name} ${word} is defined`)
      }
  },
)

t.test('the concepts rest on the Istanbul Convention and on national law [R131]', async (t) => {
  const violence = glossary.lists
    .find(({ name }) => name === 'concept')
    ?.words.find(({ word }) => word === 'domestic_violence')
  t.match(violence?.basis.join(), /Istanbul Convention art\. 3\(b\)/)
  t.match(Object.keys(violence?.national ?? {}), ['AT', 'DE', 'ES'])
})

t.test('what is missing or too much is said', async (t) => {
  const { training, ...lists } = source.lists
  if (!training) throw new Error('no trainings')
  const { culture: _, ...words } = training.words
  const changed = {
    ...source,
    lists: {
      ...lists,
      training: { ...training, words: { ...words, dancing: { definition: '' } } },
    },
  }
  t.same(glossaryFaults(buildGlossary(changed, catalogue), vocabulary, catalogue), [
    'training culture is missing',
    'training dancing is unknown',
    'training dancing is not defined',
  ])
})

/** Of the definitions of each version: who changes one adds a version, with its own line. */
const VERSIONS: Readonly<Record<number, string>> = {
  1: '235b5773ea556369ee05096d357b8fd2ce047567f66d564670a31dd636c797c7',
}

t.test('a definition that changes makes a new version', async (t) => {
  const { version, ...rest } = source
  const text = canonicalize(rest as unknown as Json)
  t.equal(createHash('sha256').update(text).digest('hex'), VERSIONS[version])
})

t.test('a file that is none is named', async (t) => {
  t.throws(() => readGlossary(`${path}.none`), /glossary\.json\.none. is no glossary/)
})
