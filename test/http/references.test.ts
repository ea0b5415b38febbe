import t from 'tap'
import { resolveReferences } from '../../src/http/references.ts'

t.test('References of a document are replaced by what they point to', async (t) => {
  const resolved = resolveReferences({
    paths: {
      '/a/b': { use: { $ref: '#/schemas/outer' }, again: { $ref: '#/schemas/outer' } },
      told: { $ref: '#/schemas/inner', description: 'its own words' },
      escaped: { $ref: '#/paths/~1a~1b/use' },
      list: [{ $ref: '#/schemas/inner' }, null, 3],
    },
    schemas: {
      outer: { properties: { one: { $ref: '#/schemas/inner' } } },
      inner: { type: 'string', description: 'common words' },
    },
  })
  const inner = { type: 'string', description: 'common words' }
  const outer = { properties: { one: inner } }
  t.same(resolved.paths, {
    '/a/b': { use: outer, again: outer },
    told: { type: 'string', description: 'its own words' },
    escaped: outer,
    list: [inner, null, 3],
  })
  t.equal(resolved.paths['/a/b'].use, resolved.paths['/a/b'].again, 'one target is one object')

  const document = { a: { $ref: '#/b' }, b: { c: 1 } }
  resolveReferences(document)
  t.same(document, { a: { $ref: '#/b' }, b: { c: 1 } }, 'the document itself stays as it was')
})

t.test('A reference that leads nowhere is an error at the start', async (t) => {
  for (const { document, fault } of [
    { document: { a: { $ref: '#/missing' } }, fault: /points nowhere/ },
    { document: { a: { $ref: '#/b/toString' }, b: {} }, fault: /points nowhere/ },
    { document: { a: { $ref: './other.json' } }, fault: /outside of the document/ },
    { document: { a: { b: { $ref: '#/a' } } }, fault: /contains itself/ },
  ])
    t.throws(() => resolveReferences(document), fault)
})
