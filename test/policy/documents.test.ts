// Reading and checking policy documents: every fault, all at once, each where it stands.
import { spawnSync } from 'node:child_process'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { stringify } from 'yaml'

import { check } from '../../src/domain/policy/check.ts'
import { compile, policyHash } from '../../src/domain/policy/compile.ts'
import type { PolicyDocument } from '../../src/domain/policy/document.ts'
import { durationMs } from '../../src/domain/policy/duration.ts'
import { describeFault, type Fault } from '../../src/domain/policy/fault.ts'
import { POLICY_SHAPE } from '../../src/domain/policy/grammar.ts'
import { jsonSchema } from '../../src/domain/policy/json-schema.ts'
import { MAX_DOCUMENT_BYTES, parsePolicy, parseSuite } from '../../src/domain/policy/parse.ts'
import { checkSuite } from '../../src/domain/policy/testing.ts'
import { readPolicyFiles } from '../../src/files/policies.ts'
import { policySchemas } from '../support/generate-policy-schemas.ts'
import { catalogue, pack, vocabulary } from './arbitraries.ts'
import { SEED } from './support.ts'

const GOOD = `# The smallest useful document.
policy: warning
title: A warning to her support
source: [Istanbul Convention art. 18]
permit:
  - id: F9
    to: { sector: [victim_support] }
    purpose: [safety_urgent]
    fields: [person.full_name]
    necessary: { because: she is in danger }
    basis: { gdpr: [A6-1-d], consent: not_needed }
`

/** The document after one replacement. */
function edited(what: string, by: string): string {
  if (!GOOD.includes(what)) throw new Error(`nothing to replace: ${what}`)
  return GOOD.replace(what, by)
}

function faultsOf(input: unknown): readonly Fault[] {
  const result = parsePolicy(input, 'x.yaml')
  return result.ok ? check([result.parsed], catalogue, vocabulary) : result.faults
}

const said = (input: unknown) => faultsOf(input).map(describeFault)

t.test('a document without fault becomes plain data with places', async (t) => {
  const result = parsePolicy(GOOD, 'x.yaml')
  if (!result.ok) return void t.same(result.faults, [])
  const { document, places } = result.parsed
  t.equal(document.policy, 'warning')
  t.same(document.permit?.[0]?.to, { sector: ['victim_support'] })
  t.same(places.get('/permit/0/purpose/0'), { line: 8, column: 15 })
  t.same(check([result.parsed], catalogue, vocabulary), [])
  const again = parsePolicy(document)
  t.same(again.ok && again.parsed.document, document, 'JSON says the same')
})

t.test('faults of shape say what, where, and what was probably meant', async (t) => {
  const cases: [string, string, string[]][] = [
    [
      'purpose: [',
      'purposes: [',
      [
        'x.yaml:8:5 unknown key `purposes`, did you mean `purpose`?',
        'x.yaml:6:5 key `purpose` is missing',
      ],
    ],
    ['[safety_urgent]', 'safety_urgent', ['x.yaml:8:14 this must be a list']],
    ['[safety_urgent]', '[]', ['x.yaml:8:14 the list must not be empty']],
    [
      '[safety_urgent]',
      '[safety_urgent, safety_urgent]',
      ['x.yaml:8:30 `safety_urgent` stands here twice'],
    ],
    ['id: F9', 'id: 9', ['x.yaml:6:9 this must be a rule id such as `F9` or `G-location`']],
    ['id: F9', 'id: "  "', ['x.yaml:6:9 the text is empty']],
    [
      'consent: not_needed',
      'consent: not_neded',
      [
        'x.yaml:11:39 `not_neded` is not one of `not_needed`, `required`, did you mean `not_needed`?',
      ],
    ],
    [
      'consent: not_needed',
      'consent: { required: false, unless: { flags: [risk_high] } }',
      ['x.yaml:11:51 this can only be true'],
    ],
    [
      '[A6-1-d]',
      '[A6-1-x]',
      ['x.yaml:11:21 `A6-1-x` is not a ground of GDPR art. 6(1) such as `A6-1-e`'],
    ],
    ['{ sector: [victim_support] }', '{}', ['x.yaml:7:9 an empty mapping says nothing']],
    [
      '    basis',
      '    expiresAfter: P1M\n    basis',
      [
        'x.yaml:11:19 `P1M` is not an ISO 8601 duration in weeks, days, hours, minutes or seconds, such as `P30D` or `PT24H`',
      ],
    ],
    [
      'person.full_name',
      'person',
      [
        'x.yaml:9:14 `person` is not a field selector: `record.field`, `record/group` or `record.*`',
      ],
    ],
    [
      'source: [Istanbul Convention art. 18]',
      'source: []',
      ['x.yaml:4:9 the list must not be empty'],
    ],
    ['source: [Istanbul Convention art. 18]\n', '', ['x.yaml:2:1 key `source` is missing']],
    ['policy: warning', 'policy: Warning!', ['x.yaml:2:9 `Warning!` is not a kebab-case id']],
  ]
  for (const [what, by, wanted] of cases) t.same(said(edited(what, by)), wanted, by)
})

t.test('YAML that says a thing in two places, or hides it, is refused', async (t) => {
  const cases: [string, RegExp][] = [
    [edited('[safety_urgent]', '&p [safety_urgent]'), /8:17 anchors are not allowed/],
    [`${GOOD}forbid: *p\n`, /aliases are not allowed|unresolved alias/i],
    [edited('she is in danger', '!secret x'), /10:35 tags are not allowed/],
    [edited('she is in danger', '!!str 5'), /tags are not allowed/],
    [`${GOOD}title: Twice\n`, /12:1 key `title` stands here twice/],
    [`%YAML 1.1\n---\n${GOOD}`, /directives are not allowed/],
    [`${GOOD}---\n${GOOD}`, /one text holds one document/],
    ['', /the document is empty/],
    ['# only a comment\n', /the document is empty/],
    ['just a word', /1:1 this must be a mapping/],
    [edited('purpose: [', '<<: { purpose: ['), /./],
    [edited('policy: warning', '? [policy]\n: warning'), /a key must be a word/],
    [`${GOOD}__proto__: { policy: x }\n`, /12:1 unknown key `__proto__`/],
    [edited('[person.full_name]', '[person.full_name'), /x\.yaml:\d+:\d+ /],
    [edited('    purpose', '\tpurpose'), /x\.yaml:8:\d+ .*tab/i],
  ]
  for (const [text, wanted] of cases) t.match(said(text).join('\n'), wanted)
})

/** As often as fits into one document. */
const filled = (part: string, head = '', tail = '') =>
  `${head}${part.repeat(Math.floor((MAX_DOCUMENT_BYTES - 200) / part.length))}${tail}`

/** Each list names the one before it four times. */
const LAUGHS = Array.from(
  { length: 30 },
  (_, i) => `a${i + 1}: &a${i + 1} [${Array(4).fill(`*a${i}`).join(', ')}]`,
)

const BOMBS: Record<string, [string, RegExp]> = {
  'lists that name lists': [`a0: &a0 [x, x]\n${LAUGHS.join('\n')}`, /aliases are not allowed/],
  'a list that names itself': ['policy: &a [*a]', /anchors are not allowed/],
  'one alias everywhere': [filled('*a, ', 'a: &a x\nb: [', ']'), /more than 120000 words/],
  'many anchors': [
    Array.from({ length: 5000 }, (_, i) => `k${i}: &a${i} x`).join('\n'),
    /anchors are not allowed/,
  ],
  'one key again and again': [filled('policy: x\n'), /key `policy` stands here twice|more than/],
  'merged mappings': [filled('<<: *a\n', 'a: &a { x: 1 }\n'), /more than|aliases/],
  'many documents': ['---\n'.repeat(5000), /one text holds one document/],
  'many tags': [filled('- !t x\n'), /more than 120000 words/],
  'many directives': ['%A b\n'.repeat(5000), /document is empty|directives/],
  'brackets that close nothing': [filled(']', 'a: '), /more than 120000 words/],
  'nothing but commas': [filled(',', 'a: [', ']'), /more than 120000 words/],
  'many words in a list': [filled('a,', 'source: [', ']'), /more than 120000 words/],
  'keys of keys': [filled('? '), /nested too deeply|more than/],
  'empty lines': [filled('\n', 'a:\n'), /unknown key `a`|more than/],
  'a very long key': [`${'k'.repeat(MAX_DOCUMENT_BYTES - 100)}: 1`, /1024 chars/],
  'a very long number': [`title: ${'9'.repeat(MAX_DOCUMENT_BYTES - 100)}`, /must be text/],
  'ten megabytes': ['title: x\n'.repeat(1_100_000), /longer than 262144 bytes/],
  'ten megabytes in one line': [`title: ${'x'.repeat(10_000_000)}`, /longer than 262144 bytes/],
}

t.test('bombs end in a clear fault, soon', async (t) => {
  for (const [name, [text, wanted]] of Object.entries(BOMBS)) {
    const start = performance.now()
    const faults = said(text)
    const took = performance.now() - start
    t.match(faults.join('\n'), wanted, name)
    t.ok(faults.length <= 200 && faults.every((fault) => fault.length < 300), `${name}: in short`)
    t.ok(took < 10_000, `${name}: ${Math.round(took)} ms`)
  }
  const big = {
    ...parsedGood(),
    permit: Array(200_000).fill({ id: 'F1', purpose: ['x'.repeat(50)] }),
  }
  const start = performance.now()
  t.match(said(big)[0], /longer than 262144 bytes/)
  t.ok(performance.now() - start < 5000)
})

t.test('and in little memory', async (t) => {
  const parse = pathToFileURL(join(import.meta.dirname, '../../src/domain/policy/parse.ts')).href
  const program = `
    const { parsePolicy } = await import(${JSON.stringify(parse)})
    for await (const chunk of process.stdin.setEncoding('utf8')) all += chunk
    for (const text of JSON.parse(all)) if (parsePolicy(text).ok) throw new Error('no bomb')
    console.log('all read')`
  const texts = Object.values(BOMBS).map(([text]) => text)
  const child = spawnSync(
    process.execPath,
    ['--max-old-space-size=192', '--input-type=module', '-e', `let all = ''\n${program}`],
    { input: JSON.stringify(texts), encoding: 'utf8', env: {} },
  )
  t.equal(child.stdout, 'all read\n', child.stderr.slice(0, 500))
})

t.test('texts made to exhaust the reader are refused quickly', async (t) => {
  const cases: Record<string, [string, RegExp]> = {
    'a long text': [`# ${'x'.repeat(MAX_DOCUMENT_BYTES)}\n${GOOD}`, /longer than 262144 bytes/],
    'long by its bytes': [`# ${'ä'.repeat(MAX_DOCUMENT_BYTES / 2)}\n${GOOD}`, /longer than/],
    'nested lists': [`title: ${'['.repeat(5000)}${']'.repeat(5000)}`, /nested too deeply/],
    'nested lists that fit the stack': [`a: ${'['.repeat(60)}${']'.repeat(60)}`, /nested too deep/],
    'nested dashes': ['- '.repeat(20_000), /nested too deeply/],
    'nested mappings': ['{a: '.repeat(15_000), /nested too deeply|syntax|flow map/],
    'many keys': [
      Array.from({ length: 10_000 }, (_, i) => `k${i}: 1`).join('\n'),
      /unknown key `k0`/,
    ],
  }
  for (const [name, [text, wanted]] of Object.entries(cases)) {
    const start = performance.now()
    const faults = said(text)
    t.match(faults.join('\n'), wanted, name)
    t.ok(faults.length <= 200, `${name}: ${faults.length} faults`)
    t.ok(performance.now() - start < 10_000, `${name}: in time`)
  }
})

t.test('JSON is held to the same', async (t) => {
  const document = () => structuredClone(parsedGood())
  t.same(said(document()), [])
  t.same(said({ ...document(), titel: 'x' }), [
    'x.yaml:/titel unknown key `titel`, did you mean `title`?',
  ])
  t.match(said({ ...document(), title: 'x'.repeat(MAX_DOCUMENT_BYTES) })[0], /longer than/)
  let deep: unknown = 'x'
  for (let i = 0; i < 100; i++) deep = [deep]
  t.match(said({ ...document(), title: deep })[0], /nested too deeply/)
  t.match(said({ ...document(), title: () => 'x' })[0], /this is not JSON/)
  t.match(said(null)[0], /this must be a mapping/)
  t.match(said(undefined)[0], /this is not JSON/)
})

function parsedGood(): PolicyDocument {
  const result = parsePolicy(GOOD)
  if (!result.ok) throw new Error('the good document is not')
  return result.parsed.document
}

t.test('names, selectors and transforms must exist and fit', async (t) => {
  const cases: [string, string, string[]][] = [
    [
      '[victim_support]',
      '[victim_suport]',
      ['x.yaml:7:20 unknown sector `victim_suport`, did you mean `victim_support`?'],
    ],
    ['[safety_urgent]', '[gossip]', ['x.yaml:8:15 unknown purpose `gossip`']],
    [
      'person.full_name',
      'person.fullname',
      [
        'x.yaml:9:14 `person.fullname` matches no field of the catalogue, did you mean `person.full_name`?',
      ],
    ],
    [
      '[person.full_name]',
      '{ category: [K], locates: [perpetrator] }',
      ['x.yaml:9:5 no field of the catalogue has these attributes'],
    ],
    [
      '    basis',
      '    transform: age_band\n    basis',
      ['x.yaml:11:16 `age_band` does not fit `person.full_name`'],
    ],
    [
      '    basis',
      '    obligations: [be_nice]\n    basis',
      ['x.yaml:11:19 unknown obligation `be_nice`'],
    ],
    [
      '    basis',
      '    except: { fields: [persn.*] }\n    basis',
      ['x.yaml:11:24 `persn.*` matches no field of the catalogue, did you mean `person.*`?'],
    ],
    [
      '    basis',
      '    when: { flags: [risk_high], noFlags: [risk_high] }\n    basis',
      ['x.yaml:11:5 `risk_high` cannot both hold and not hold'],
    ],
    [
      'permit:',
      `duty:
  - id: D1
    when: { recorded: person.full_nam }
    notify: { sector: [police] }
    within: PT24H
    then: { at: PT24H, escalate_to: sender_admin }
permit:`,
      [
        'x.yaml:7:23 `person.full_nam` matches no field of the catalogue, did you mean `person.full_name`?',
      ],
    ],
  ]
  for (const [what, by, wanted] of cases) t.same(said(edited(what, by)), wanted, by)
})

t.test('a permit that does not stand on law is a fault [R6]', async (t) => {
  const basis = (fields: string, text: string, to = '{ sector: [victim_support] }') =>
    said(
      edited('[person.full_name]', fields)
        .replace('{ gdpr: [A6-1-d], consent: not_needed }', text)
        .replace('{ sector: [victim_support] }', to),
    ).map((line) => line.replace(/^x\.yaml:\d+:\d+ /, ''))
  const S9 = '[health.pregnancy]'
  const C10 = '[incident.occurred_at]'
  const BOTH = '[risk_assessment.indicators]'
  t.same(basis(S9, '{ gdpr: [A6-1-e], consent: not_needed }'), [
    '`health.pregnancy` is S9 and needs `art9`, or `10` under `led`',
  ])
  t.same(basis(S9, '{ gdpr: [A6-1-e], art9: A9-2-g, consent: not_needed }'), [])
  t.same(basis(S9, '{ led: [8, 10], consent: not_needed }'), [], 'numbers are articles, too')
  t.same(basis(S9, '{ led: [8], consent: not_needed }').length, 1)
  t.same(basis(C10, '{ gdpr: [A6-1-e], consent: not_needed }'), [
    '`incident.occurred_at` is C10 and needs `art10` or `led`',
  ])
  t.same(basis(C10, '{ gdpr: [A6-1-e], art10: authorised, consent: not_needed }'), [])
  t.same(basis(C10, '{ led: [9-1], consent: not_needed }'), [])
  t.equal(basis(BOTH, '{ gdpr: [A6-1-e], consent: not_needed }').length, 2, 'all tests, not one')
  t.equal(basis(BOTH, '{ gdpr: [A6-1-e], art9: A9-2-g, consent: not_needed }').length, 1)
  t.same(basis('[person.full_name]', '{ consent: not_needed }'), [
    'no ground: state `gdpr` (art. 6(1)), `led` or both',
  ])
  t.same(basis('[person.full_name]', '{ gdpr: [A6-1-a], consent: not_needed }'), [
    '`A6-1-a` is consent, so consent cannot be `not_needed`',
  ])
  t.equal(basis(S9, '{ gdpr: [A6-1-e], art9: A9-2-a, consent: not_needed }').length, 1)
  const interest = '{ gdpr: [A6-1-f], consent: not_needed }'
  t.equal(basis('[person.full_name]', interest).length, 1, 'a public body might be meant')
  t.equal(basis('[person.full_name]', interest, '{ public: true }').length, 1)
  t.same(basis('[person.full_name]', interest, '{ public: false }'), [])
  t.same(
    said(
      edited('[person.full_name]', '[person.full_name, health.pregnancy]').replace(
        '    basis',
        '    except: { fields: [health.*] }\n    basis',
      ),
    ),
    [],
    'what is left out altogether needs no ground',
  )
})

t.test('ids are unique over the pack, and all faults of all documents come at once', async (t) => {
  const parsed = ['a.yaml', 'b.yaml'].map((file) => {
    const result = parsePolicy(edited('[safety_urgent]', '[gossip]'), file)
    if (!result.ok) throw new Error('cannot be read')
    return result.parsed
  })
  t.same(check(parsed, catalogue, vocabulary).map(describeFault), [
    'a.yaml:8:15 unknown purpose `gossip`',
    'b.yaml:8:15 unknown purpose `gossip`',
    'b.yaml:2:9 policy id `warning` is already taken in a.yaml',
    'b.yaml:6:9 rule id `F9` is already taken in a.yaml',
  ])
  const compiled = compile(
    parsed.map(({ document }) => document),
    catalogue,
    vocabulary,
  )
  t.equal(compiled.ok, false, 'and such a pack does not compile')
})

t.test('the hash is of what is said, not of how it is written', async (t) => {
  const document = parsedGood()
  const other = { ...document, policy: 'other' }
  t.match(policyHash([document]), /^sha256:[0-9a-f]{64}$/)
  t.equal(policyHash([document, other]), policyHash([other, document]))
  const reread = parsePolicy(stringify(document, { sortMapEntries: true }))
  t.equal(reread.ok && policyHash([reread.parsed.document]), policyHash([document]))
  t.not(policyHash([{ ...document, title: 'Another' }]), policyHash([document]))
})

t.test('durations of fixed length', async (t) => {
  const DAY = 86_400_000
  for (const [text, ms] of [
    ['P1D', DAY],
    ['P2W', 14 * DAY],
    ['PT24H', DAY],
    ['P1DT2H3M4S', DAY + 7_384_000],
    ['PT0S', 0],
  ] as const) {
    t.equal(durationMs(text), ms, text)
  }
  for (const text of [
    'P',
    'PT',
    'P1',
    'P1Y',
    'P1M',
    '1D',
    'P1.5D',
    'P-1D',
    'P1DT',
    'P1W2D',
    'p1d',
    'P1D ',
  ]) {
    t.equal(durationMs(text), undefined, text)
  }
})

t.test('the published schemas are made from the grammar', async (t) => {
  for (const [file, schema] of Object.entries(policySchemas())) {
    const path = join(import.meta.dirname, '../../schemas', file)
    t.same(JSON.parse(await readFile(path, 'utf8')), schema, file)
  }
})

t.test('the schema accepts what parse and the name check accept, and nothing else', async (t) => {
  const ajv = new Ajv2020({ strict: false })
  const validate = ajv.compile(jsonSchema(POLICY_SHAPE, vocabulary, 'Policy document'))
  const SHAPE_CODES = ['unknown_name', 'unknown_key', 'missing_key', 'wrong_type', 'bad_value']
  let refused = 0
  fc.assert(
    fc.property(pack, fc.array(fc.nat(), { maxLength: 3 }), fc.nat(), (documents, path, how) => {
      const document = structuredClone(documents[0]) as unknown as Record<string, unknown>
      spoil(document, path, how)
      const faults = faultsOf(document).filter(({ code }) => SHAPE_CODES.includes(code))
      const accepted = validate(document)
      if (!accepted) refused++
      if (accepted !== (faults.length === 0)) {
        throw new Error(
          `${JSON.stringify(validate.errors?.[0])} but ${JSON.stringify(faults[0])}: ${JSON.stringify(document)}`,
        )
      }
    }),
    { numRuns: 1500, seed: SEED },
  )
  t.ok(refused > 300, `${refused} refused`)
})

/** Changes one part somewhere in a document: another value, another key, or a part less. */
function spoil(root: Record<string, unknown>, path: readonly number[], how: number): void {
  let parent: Record<string, unknown> = root
  for (const step of path) {
    const inner = Object.values(parent).filter((part) => part !== null && typeof part === 'object')
    const next = inner[step % Math.max(1, inner.length)]
    if (next) parent = next as Record<string, unknown>
  }
  const keys = Object.keys(parent)
  const key = keys[how % Math.max(1, keys.length)]
  if (key === undefined) return
  const values = ['', 'nonsense', 5, true, false, null, [], {}, ['police'], { category: ['O'] }]
  if (how % 3 === 0) parent[key] = values[how % values.length]
  else if (how % 3 === 1 && !Array.isArray(parent)) delete parent[key]
  else if (!Array.isArray(parent)) parent['surprise'] = 1
}

t.test('the examples of the manual are right', async (t) => {
  const manual = await readFile(join(import.meta.dirname, '../../docs/policies.md'), 'utf8')
  const examples = [...manual.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text ?? '')
  const rules = examples.filter((text) => text.startsWith('- id:'))
  const kinds = ['permit', 'forbid', 'duty', 'guardrail']
  t.equal(rules.length, kinds.length)
  for (const [i, text] of rules.entries()) {
    const head = GOOD.slice(0, GOOD.indexOf('permit:'))
    t.same(said(`${head}${kinds[i]}:\n${text.replace(/^/gm, '  ')}`), [], text)
  }
  const suites = examples.filter((text) => text.startsWith('suite:'))
  t.equal(suites.length, 1)
  for (const text of suites) {
    const result = parseSuite(text, 'policies.md')
    const faults = result.ok ? checkSuite(result.parsed, catalogue, vocabulary) : result.faults
    t.same(faults.map(describeFault), [])
  }
})

t.test('a folder of policies on disk', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'policies-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'b.yaml'), 'b')
  await writeFile(join(folder, 'a.yaml'), 'a')
  await writeFile(join(folder, 'a.test.yaml'), 'test')
  await writeFile(join(folder, 'README.md'), 'no policy')
  const { documents, suites } = await readPolicyFiles(folder)
  t.same(
    documents.map(({ text }) => text),
    ['a', 'b'],
  )
  t.same(
    suites.map(({ text }) => text),
    ['test'],
  )
  await t.rejects(readPolicyFiles(join(folder, 'nowhere')))
})
