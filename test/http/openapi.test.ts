import addFormats from 'ajv-formats'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { generateSync } from 'json-schema-faker'
import type { OpenAPIV3_1 } from 'openapi-types'
import t from 'tap'
import { parse } from 'yaml'
import {
  ACTS_FOR,
  EXCEPTIONS,
  PERSON_ROLES,
  PRACTITIONER_ROLES,
  PURPOSES,
  SECTORS,
  TRAININGS,
} from '../../src/domain/case/vocabulary.ts'
import { INFORMANTS, STATEMENT_KINDS } from '../../src/domain/catalogue/types.ts'
import { REASON_TEST, REMEDIES, TESTS } from '../../src/domain/policy/reasons.ts'
import { TRANSFORMS } from '../../src/domain/policy/verdict.ts'
import { ERRORS } from '../../src/errors.ts'
import { needsHeader, type Operation, operationsOf } from '../../src/http/operations.ts'
import { loadRecordSchemas } from '../../src/files/schemas.ts'
import {
  concrete,
  dummyHandlers,
  frame,
  ID,
  openapi,
  securedOperations,
  SIGNED_IN,
  success,
} from './frame.ts'

type Node = Record<string, unknown>
// Some thousand requests; a busy machine needs its time for them.
t.setTimeout(120_000)
const contract = await openapi()
const { bundled, resolved } = contract
const schemas = resolved.components?.schemas as Record<string, Node>
const operations = operationsOf(resolved)
const secured = securedOperations(contract)

/** Every object in a document, with the names on the way to it. */
function* objectsIn(node: unknown, path: string[] = []): Generator<[Node, string[]]> {
  if (typeof node !== 'object' || node === null) return
  if (!Array.isArray(node)) yield [node as Node, path]
  for (const [name, value] of Object.entries(node)) yield* objectsIn(value, [...path, name])
}

t.test('the contract is whole', async (t) => {
  for (const [{ $ref }, path] of objectsIn(bundled)) {
    if (typeof $ref === 'string') t.match($ref, /^#\/components\//, path.join('/'))
  }
  t.notOk([...objectsIn(resolved)].some(([{ $ref }]) => typeof $ref === 'string'))
  const ids = operations.map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length, 'one operationId each')
  const words = bundled.components?.securitySchemes?.['oauth'] as OpenAPIV3_1.OAuth2SecurityScheme
  const declared = Object.keys(words.flows.clientCredentials?.scopes ?? {})
  const asked = new Set(secured.flatMap(({ scopes }) => scopes ?? []))
  t.same([...asked].sort(), declared.sort(), 'scopes asked for are the scopes described')
})

t.test('every operation says what it does and how it fails', async (t) => {
  for (const [path, item] of Object.entries(resolved.paths ?? {})) {
    for (const method of ['get', 'post', 'put', 'patch', 'delete'] as const) {
      const operation = item?.[method]
      if (!operation) continue
      const name = operation.operationId as string
      t.match(operation.summary, /^[A-Z].{3,60}[^.]$/, `${name}: summary`)
      t.match(operation.description, /^[A-Z].+\.$/s, `${name}: description`)
      const answers = Object.keys(operation.responses ?? {})
      t.ok(answers.includes('429') && answers.includes('default'), `${name}: 429 and default`)
      for (const [status, answer] of Object.entries(operation.responses ?? {})) {
        if (!/^(4|5|default)/.test(status)) continue
        const content = (answer as OpenAPIV3_1.ResponseObject).content ?? {}
        t.same(Object.keys(content), ['application/problem+json'], `${name} ${status}: problem`)
      }
      if (!path.startsWith('/v1/')) continue
      for (const status of ['400', '401', '403'])
        t.ok(answers.includes(status), `${name} ${status}`)
      if (path.includes('{')) t.ok(answers.includes('404'), `${name}: 404`)
      if (operation.requestBody) t.ok(answers.includes('413') && answers.includes('415'), name)
    }
  }
})

t.test('conventions of the API', async (t) => {
  const having = (header: string) =>
    secured.filter((operation) => needsHeader(operation, header)).map(({ id }) => id)
  t.same(
    having('Idempotency-Key').sort(),
    ['depositRecord', 'recordConsent', 'requestDisclosure'],
    'posts of disclosures, records and consents',
  )
  const patches = secured.filter(({ method }) => method === 'patch' || method === 'put')
  t.same(having('If-Match').sort(), patches.map(({ id }) => id).sort(), 'every PATCH and PUT')
  for (const { id, responses } of patches) {
    t.ok(responses.has('412') && responses.has('428'), `${id}: 412 and 428`)
  }
  for (const operation of secured.filter(({ path }) =>
    /\/(cases|records|disclosures|consents|notices|reviews)/.test(path),
  )) {
    t.ok(needsHeader(operation, 'Ostiary-Practitioner'), `${operation.id} names who acts`)
  }
  for (const { id, parameters, responses } of secured.filter(({ id }) => id.startsWith('list'))) {
    const names = parameters.map(({ name }) => name)
    t.ok(names.includes('limit') && names.includes('cursor'), `${id}: pages`)
    const body = responses.get('200') as { properties: Node }
    t.same(Object.keys(body.properties), ['items'], `${id}: items and no total`)
  }
})

t.test('request bodies take no unknown member at any depth', async (t) => {
  for (const { id, body } of secured) {
    for (const [schema, path] of objectsIn(body?.schema)) {
      if (schema['type'] !== 'object' || path.includes('examples')) continue
      const free = path.at(-1) === 'fields' || path.at(-1) === 'fieldProvenance'
      if (free) t.ok(schema['propertyNames'], `${id} ${path.join('/')}: names of a form`)
      else t.equal(schema['additionalProperties'], false, `${id} ${path.join('/')}`)
    }
  }
})

t.test('closed word lists are those of the domain', async (t) => {
  const listed = (name: string) => schemas[name]?.['enum']
  const folder = new URL('../../schemas/records', import.meta.url).pathname
  const records = loadRecordSchemas(folder).map((schema) => String(schema['x-record']))
  for (const [name, words] of Object.entries({
    Sector: SECTORS,
    PractitionerRole: PRACTITIONER_ROLES,
    PersonRole: PERSON_ROLES,
    ActsFor: ACTS_FOR,
    Purpose: PURPOSES,
    ExceptionCode: EXCEPTIONS,
    TrainingCode: TRAININGS,
    Informant: INFORMANTS,
    StatementKind: STATEMENT_KINDS,
    ReasonCode: Object.keys(REASON_TEST),
    Remedy: REMEDIES,
    Transform: TRANSFORMS,
  })) {
    t.same(listed(name), [...words], name)
  }
  t.same(Object.keys(schemas['TestResults']?.['properties'] as Node), [...TESTS])
  t.same(listed('RecordType'), records.sort(), 'record types are those of the catalogue')
  for (const [schema, path] of objectsIn(resolved)) {
    const code = schema['x-error-code']
    if (code !== undefined) t.ok(Object.hasOwn(ERRORS, String(code)), path.join('/'))
  }
})

t.test('there are examples for everything, and they are right', async (t) => {
  const ajv = new Ajv2020({ strict: false })
  addFormats.default(ajv)
  for (const [name, schema] of Object.entries(schemas)) {
    const validate = ajv.compile(schema)
    for (const example of (schema['examples'] ?? []) as unknown[]) {
      t.ok(validate(example), `${name}: ${JSON.stringify(validate.errors)}`)
    }
  }
  for (const operation of secured) {
    const { id, body } = operation
    t.ok(Array.isArray(body?.schema['examples']) || !body, `${id}: example of the request`)
    const { schema } = success(operation)
    const items = (schema?.['properties'] as { items?: { items?: Node } } | undefined)?.items?.items
    t.ok(!schema || Array.isArray((items ?? schema)['examples']), `${id}: example of the answer`)
  }
})

const { app, lines, logText } = await frame(contract, dummyHandlers(contract))
t.teardown(() => app.close())

const send = (operation: Operation, payload?: unknown, url = concrete(operation)) =>
  app.inject({
    method: operation.method.toUpperCase() as 'POST',
    url,
    headers: {
      ...SIGNED_IN,
      ...(payload === undefined
        ? {}
        : { 'content-type': operation.body?.types[0] ?? 'application/json' }),
    },
    ...(payload === undefined ? {} : { payload: JSON.stringify(payload) }),
  })

/** Values that a schema allows; the generator gives up on some mixtures of optional members. */
function generated(schema: Node, count: number): unknown[] {
  return Array.from({ length: count }, (_, seed) => {
    try {
      return [generateSync(schema, { seed, optionalsProbability: 0.5 + (seed % 6) / 10 })]
    } catch {
      return []
    }
  }).flat()
}

t.test('what the contract allows is let through', async (t) => {
  for (const operation of secured) {
    const { status, schema } = success(operation)
    const bodies = operation.body
      ? [
          ...((operation.body.schema['examples'] ?? []) as unknown[]),
          ...generated(operation.body.schema, 24),
        ]
      : [undefined]
    if (operation.body) t.ok(bodies.length > 10, `${operation.id}: ${bodies.length} bodies`)
    for (const body of bodies) {
      const answered = await send(operation, body)
      if (answered.statusCode !== status)
        t.fail(`${operation.id}: ${answered.body} ${JSON.stringify(body)}`)
      if (schema && answered.body.length < 10) t.fail(`${operation.id} answers nothing`)
    }
    t.pass(operation.id)
  }
})

/** What must never come back: a value, a name of a member, a part of a path. */
const CANARY = 'zqcanary93xk'

/** Puts something else at one place of a JSON value, or a member more into it. */
function mutated(value: unknown, steps: readonly number[], other: unknown): unknown {
  if (steps.length === 0 || typeof value !== 'object' || value === null) return other
  const names = Object.keys(value)
  const [step = 0, ...rest] = steps
  const name = names[step % (names.length + 1)] ?? CANARY
  const child = mutated((value as Node)[name], rest, other)
  if (Array.isArray(value)) return [...value.slice(0, step), child]
  return { ...value, [name]: child }
}

t.test('whatever is sent, the server neither fails nor repeats it', async (t) => {
  const canary = CANARY
  const other = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(
      canary,
      [canary],
      { [canary]: canary },
      { '': 1 },
      `${canary}\u0000`,
      1e308,
      -0.5,
    ),
  )
  const started = lines().length
  let requests = 0
  const check = async (operation: Operation, body: unknown, url?: string) => {
    requests += 1
    const answered = await send(operation, body, url)
    const { statusCode, headers } = answered
    if (statusCode < 400) return
    const said = `${operation.id} ${statusCode} ${JSON.stringify(body)} ${url}`
    if (statusCode >= 500) throw new Error(said)
    if (!String(headers['content-type']).startsWith('application/problem+json'))
      throw new Error(said)
    if (answered.body.toLowerCase().includes(canary)) throw new Error(`repeated: ${said}`)
    if (!Object.hasOwn(ERRORS, answered.json().code)) throw new Error(`no code: ${said}`)
  }
  for (const operation of secured) {
    if (operation.body) {
      const [example] = operation.body.schema['examples'] as unknown[]
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(12), { maxLength: 4 }), other, (steps, value) =>
          check(operation, mutated(example, steps, value)),
        ),
        { numRuns: 40, seed: 7 },
      )
    }
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom(canary, '..', ' ', '%00')),
        fc.constantFrom('limit', 'cursor', 'sector', 'from', 'acknowledged', canary, '__proto__'),
        (text, name) => {
          const coded = encodeURIComponent(text)
          const [body] = (operation.body?.schema['examples'] ?? []) as unknown[]
          const path = operation.path.replace(/\{\w+\}/g, () => coded || ID)
          return check(operation, body, `${path}?${encodeURIComponent(name)}=${coded}`)
        },
      ),
      { numRuns: 15, seed: 7 },
    )
  }
  t.ok(requests > 1000, `${requests} requests`)
  t.ok(lines().length - started >= requests, 'each is in the log')
  t.notMatch(logText(), new RegExp(canary, 'i'), 'and its content is not')
})

t.test('the contract can be read in one piece', async (t) => {
  const answered = await app.inject('/openapi.yaml')
  t.match(answered.headers['content-type'], /^application\/yaml/)
  t.same(parse(answered.body), JSON.parse(JSON.stringify(bundled)))
})

t.test('the page about it stays at home', async (t) => {
  t.equal((await app.inject('/docs')).headers['location'], '/docs/')
  const page = await app.inject('/docs/')
  t.equal(page.statusCode, 200)
  t.match(page.body, /\/openapi\.yaml/)
  const elsewhere = page.body.match(/(?:src|href|url\()\s*=?\s*["']?(?:https?:)?\/\/[^"')\s]+/g)
  t.equal(elsewhere, null, 'loads nothing from elsewhere')
  const policy = String(page.headers['content-security-policy'])
  t.match(policy, /default-src 'none'/)
  t.match(policy, /script-src 'self' 'sha256-[\w+/]+='/)
  t.match(policy, /connect-src 'self'/)
  t.notMatch(policy, /https?:|\*|unsafe-eval|script-src[^;]*unsafe-inline/)
  for (const [, source = ''] of page.body.matchAll(/<script[^>]* src="([^"]+)"/g)) {
    const script = await app.inject(`/docs/${source}`)
    t.equal(script.statusCode, 200, source)
    t.match(script.headers['content-type'], /javascript/)
    t.ok(script.body.length > 1_000_000)
  }
})
