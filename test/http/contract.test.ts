import type { InjectOptions } from 'fastify'
import type { OpenAPIV3_1 } from 'openapi-types'
import t from 'tap'
import type { Call, Handlers } from '../../src/http/call.ts'
import { contentTag, requireMatch, versionTag } from '../../src/http/conditional.ts'
import type { Contract } from '../../src/http/document.ts'
import { frame, ID, SIGNED_IN } from './frame.ts'

const json = (schema: object) => ({ content: { 'application/json': { schema } } })
const id = { type: 'string', pattern: '^[0-9a-f-]{36}$' }
const thing = {
  type: 'object',
  required: ['id'],
  properties: {
    id,
    count: { type: 'integer' },
    parts: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } },
  },
}
const newThing = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 20 },
    count: { type: 'integer', minimum: 0 },
    colour: { type: 'string', enum: ['red', 'green'], 'x-error-code': 'unknown_purpose' },
    at: { type: 'string', format: 'date-time' },
    nested: {
      type: 'object',
      propertyNames: { pattern: '^[a-z]+$', 'x-error-code': 'unknown_field' },
      additionalProperties: { type: 'object', properties: { name: { type: 'string' } } },
    },
  },
}
const header = (name: string) => ({ name, in: 'header', required: true, schema: id })
const secured = { security: [{ oauth: ['things:write'], dpop: [] }] }
const pathId = { name: 'thingId', in: 'path', required: true, schema: id }

/** Small enough to read, with one of everything that the loader has to know. */
const document = {
  openapi: '3.1.1',
  info: { title: 'Things', version: '1' },
  paths: {
    '/health/live': { get: { operationId: 'getLiveness', security: [], responses: ok() } },
    '/health/ready': { get: { operationId: 'getReadiness', security: [], responses: ok() } },
    '/v1/things': {
      post: {
        ...secured,
        operationId: 'createThing',
        parameters: [header('Ostiary-Practitioner'), header('Idempotency-Key')],
        requestBody: { required: true, ...json(newThing) },
        responses: { '201': { description: 'made', ...json(thing) } },
      },
      get: {
        ...secured,
        operationId: 'listThings',
        parameters: [
          { name: 'limit', in: 'query', schema: { type: 'integer', maximum: 9, default: 5 } },
          { name: 'open', in: 'query', schema: { type: 'boolean' } },
        ],
        responses: { '200': { description: 'some', ...json({ type: 'array', items: thing }) } },
      },
    },
    '/v1/things/{thingId}': {
      parameters: [pathId],
      get: {
        ...secured,
        operationId: 'getThing',
        responses: {
          '200': { description: 'one', ...json(thing) },
          '304': { description: 'same' },
        },
      },
      patch: {
        ...secured,
        operationId: 'changeThing',
        parameters: [header('If-Match')],
        requestBody: {
          required: true,
          content: { 'application/merge-patch+json': { schema: newThing } },
        },
        responses: { '200': { description: 'changed', ...json(thing) } },
      },
      delete: {
        ...secured,
        operationId: 'dropThing',
        responses: { '204': { description: 'gone' } },
      },
    },
    '/v1/things/{thingId}/closing': {
      parameters: [pathId],
      post: {
        ...secured,
        operationId: 'closeThing',
        requestBody: {
          ...json({
            type: 'object',
            additionalProperties: false,
            properties: { why: { type: 'string' } },
          }),
        },
        responses: { '200': { description: 'closed', ...json(thing) } },
      },
    },
  },
} as unknown as OpenAPIV3_1.Document
const contract: Contract = { bundled: document, resolved: document }

function ok() {
  return {
    '200': {
      description: 'up',
      ...json({ type: 'object', properties: { status: { type: 'string' } } }),
    },
  }
}

const calls: Call[] = []
const seen = () => calls.at(-1) as Call<Record<string, unknown>, { thingId: string }>
const made = {
  id: ID,
  count: 1,
  secret: 'stays here',
  parts: [{ name: 'a', secret: 'stays here' }],
}
const answer =
  (status: number, headers = {}) =>
  async (call: Call) => {
    calls.push(call)
    return { status, body: made, headers }
  }
const handlers: Handlers = {
  createThing: answer(201),
  listThings: async (call: Call) => {
    calls.push(call)
    return { status: 200, body: [made] }
  },
  getThing: answer(200, { etag: contentTag(made) }),
  changeThing: async (call: Call) => {
    calls.push(call)
    requireMatch(call.ifMatch ?? [], versionTag(3))
    return { status: 200, body: made, headers: { etag: versionTag(4) } }
  },
  dropThing: async () => ({ status: 204 }),
  closeThing: answer(200),
}

const { app, lines } = await frame(contract, handlers)
t.teardown(() => app.close())

/** Sends one request, signed in unless told otherwise, and asks for status and code. */
async function send(options: InjectOptions & { url: string }, headers: object = {}) {
  const type = options.payload === undefined ? {} : { 'content-type': 'application/json' }
  const answered = await app.inject({ ...options, headers: { ...SIGNED_IN, ...type, ...headers } })
  const body = (answered.body === '' ? {} : answered.json()) as Record<string, unknown>
  return { ...answered, status: answered.statusCode, body, code: body['code'], text: answered.body }
}
const post = (payload: unknown, headers: object = {}) =>
  send(
    {
      method: 'POST',
      url: '/v1/things',
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    },
    headers,
  )

t.test('a valid call reaches its handler with everything in it', async (t) => {
  const { status, body, headers } = await post({ name: 'x', count: 2 })
  t.equal(status, 201)
  t.same(body, { id: ID, count: 1, parts: [{ name: 'a' }] }, 'undeclared members are dropped')
  t.equal(headers['cache-control'], 'no-store')
  t.match(headers['vary'], /Authorization, DPoP/)
  t.equal(headers['request-id'], seen().requestId)
  t.match(seen(), {
    operationId: 'createThing',
    body: { name: 'x', count: 2 },
    caller: { clientId: 'lighthouse', scopes: ['things:write'] },
    idempotency: { clientId: 'lighthouse', key: '8e03978e-40d5-43e8-bc93-6894a57f9324' },
  })
  t.equal(seen().idempotency?.fingerprint.length, 32)
})

t.test('who calls is asked before anything else is looked at', async (t) => {
  const nobody = { authorization: '' }
  for (const [name, request] of Object.entries({
    'bad body': post('{', nobody),
    'unknown member': post({ nope: 1 }, nobody),
    'wrong media type': post('x', { ...nobody, 'content-type': 'text/plain' }),
    'body over the limit': post(`"${'x'.repeat(1_100_000)}"`, nobody),
    'bad path': send({ url: '/v1/things/nope' }, nobody),
    'bad query': send({ url: '/v1/things?limit=x' }, nobody),
  })) {
    const { status, code, headers } = await request
    t.same([status, code], [401, 'token_missing'], name)
    t.ok(headers['www-authenticate'], 'with a challenge')
  }
})

t.test('bodies are taken as they are', async (t) => {
  const wrong: [string, unknown, string, string][] = [
    ['a number as text', { name: 'x', count: '2' }, 'invalid_body', '#/count'],
    ['text as a number', { name: 2 }, 'invalid_body', '#/name'],
    ['a member that is missing', {}, 'invalid_body', '#'],
    ['a member that is too long', { name: 'x'.repeat(21) }, 'invalid_body', '#/name'],
    [
      'a word that is not in the list',
      { name: 'x', colour: 'blue' },
      'unknown_purpose',
      '#/colour',
    ],
    ['no word at all', { name: 'x', colour: 5 }, 'invalid_body', '#/colour'],
    ['a time that is none', { name: 'x', at: 'noon' }, 'invalid_body', '#/at'],
    ['a member that nobody knows', { name: 'x', nope: 1 }, 'unknown_member', '#'],
    ['a name in free keys', { name: 'x', nested: { 'Ana 7': {} } }, 'unknown_field', '#/nested'],
    [
      'a fault below free keys',
      { name: 'x', nested: { ana: { name: 1 } } },
      'invalid_body',
      '#/nested/*/name',
    ],
    ['a list', [1], 'invalid_body', '#'],
    ['null', null, 'invalid_body', '#'],
  ]
  for (const [name, body, code, pointer] of wrong) {
    const problem = await post(body)
    t.same([problem.status, problem.code], [400, code], name)
    t.match(problem.body, { errors: [{ pointer }] })
    t.match(problem.headers['content-type'], /^application\/problem\+json/)
    t.equal(problem.body['instance'], `urn:uuid:${problem.headers['request-id']}`)
  }
})

t.test('bodies that cannot be read are told apart', async (t) => {
  const bad: [string, string | Buffer][] = [
    ['no JSON', '{"name": '],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['U+0000', '{"name":"a\\u0000"}'],
    ['half a surrogate pair', '{"name":"\\ud800"}'],
    ['U+0000 in a name', '{"a\\u0000":1}'],
    ['a way to the prototype', '{"__proto__":{"name":"x"}}'],
    ['a way to the constructor', '{"constructor":{"prototype":{}}}'],
  ]
  for (const [name, payload] of bad) {
    const { status, code } = await send({ method: 'POST', url: '/v1/things', payload })
    t.same([status, code], [400, 'malformed_json'], name)
  }
  t.equal((await post('{"name":"\\\\u0000"}')).status, 201, 'an escaped backslash is no U+0000')
  t.equal((await post({ name: '😀' })).status, 201, 'whole pairs are fine')
  t.equal((await post('')).code, 'invalid_body', 'nothing is not enough')
  const large = await post(`{"name":"${'x'.repeat(1_048_576)}"}`)
  t.same([large.status, large.code], [413, 'body_too_large'])
  for (const type of ['text/plain', 'application/merge-patch+json', 'application/jsonx', 'json']) {
    const { status, code } = await post('{"name":"x"}', { 'content-type': type })
    t.same([status, code], [415, 'unsupported_media_type'], type)
  }
  const packed = await post('{"name":"x"}', { 'content-encoding': 'gzip' })
  t.same([packed.status, packed.code], [415, 'unsupported_media_type'])
  for (const type of ['application/json; charset=utf-8', 'Application/JSON']) {
    t.equal((await post({ name: 'x' }, { 'content-type': type })).status, 201, type)
  }
})

t.test('parameters are coerced, and only those of the contract are taken', async (t) => {
  t.equal((await send({ url: '/v1/things?limit=7&open=true' })).status, 200)
  t.same({ ...(seen().query as object) }, { limit: 7, open: true })
  await send({ url: '/v1/things' })
  t.same({ ...(seen().query as object) }, { limit: 5 }, 'with defaults')
  for (const [query, code, pointer] of [
    ['limit=10', 'invalid_parameter', '#/query/limit'],
    ['limit=Ana', 'invalid_parameter', '#/query/limit'],
    ['limit=1&limit=2', 'invalid_parameter', '#/query/limit'],
    ['page=1', 'unknown_parameter', '#/query'],
    ['__proto__=1', 'unknown_parameter', '#/query'],
  ] as const) {
    const problem = await send({ url: `/v1/things?${query}` })
    t.same([problem.status, problem.code], [400, code], query)
    t.match(problem.body, { errors: [{ pointer }] })
  }
  const path = await send({ url: '/v1/things/nope' })
  t.same([path.status, path.code], [400, 'invalid_parameter'])
  t.match(path.body, { errors: [{ pointer: '#/path/thingId' }] })
})

t.test('who acts has to be named where the contract says so', async (t) => {
  const { status, code } = await post({ name: 'x' }, { 'ostiary-practitioner': '' })
  t.same([status, code], [400, 'practitioner_header_missing'])
  t.equal((await send({ url: '/v1/things' }, { 'ostiary-practitioner': '' })).status, 200)
})

t.test('Idempotency-Key', async (t) => {
  const { 'idempotency-key': key, ...rest } = SIGNED_IN
  const without = await app.inject({
    method: 'POST',
    url: '/v1/things',
    headers: { ...rest, 'content-type': 'application/json' },
    payload: '{"name":"x"}',
  })
  t.same([without.statusCode, without.json().code], [400, 'idempotency_key_missing'])
  for (const bad of [
    key.replaceAll('"', ''),
    '""',
    `${key}, ${key}`,
    '"not-a-uuid"',
    `${key};a=1`,
  ]) {
    const { status, code } = await post({ name: 'x' }, { 'idempotency-key': bad })
    t.same([status, code], [400, 'idempotency_key_invalid'], bad)
  }
  const fingerprint = async (...request: Parameters<typeof post>) => {
    await post(...request)
    return Buffer.from(seen().idempotency?.fingerprint ?? []).toString('hex')
  }
  const first = await fingerprint({ name: 'x' })
  t.equal(await fingerprint({ name: 'x' }), first, 'the same request has the same fingerprint')
  t.equal(await fingerprint({ name: 'x' }, { 'ostiary-practitioner': 'other' }), first)
  t.not(await fingerprint({ name: 'y' }), first, 'another body has not')
  t.not(await fingerprint('{ "name": "x" }'), first, 'nor other bytes of the same body')
  t.not(await fingerprint({ name: 'x' }, { 'content-type': 'application/json; x=1' }), first)
})

t.test('If-Match and If-None-Match', async (t) => {
  const patch = (match: string | undefined, headers: object = {}) => {
    const { 'if-match': _, ...rest } = SIGNED_IN
    return app.inject({
      method: 'PATCH',
      url: `/v1/things/${ID}`,
      headers: {
        ...rest,
        'content-type': 'application/merge-patch+json',
        ...(match === undefined ? {} : { 'if-match': match }),
        ...headers,
      },
      payload: '{"name":"y"}',
    })
  }
  for (const [match, status, code] of [
    [undefined, 428, 'precondition_required'],
    ['3', 400, 'precondition_invalid'],
    ['"3', 400, 'precondition_invalid'],
    ['"2"', 412, 'precondition_failed'],
    ['W/"3"', 412, 'precondition_failed'],
    ['"2", "1"', 412, 'precondition_failed'],
    ['"3"', 200, undefined],
    ['"2", "3"', 200, undefined],
    ['*', 200, undefined],
  ] as const) {
    const answered = await patch(match)
    t.same([answered.statusCode, answered.json().code], [status, code], String(match))
  }
  const { etag } = (await send({ url: `/v1/things/${ID}` })).headers
  for (const [known, status] of [
    [etag, 304],
    [`W/${etag}`, 304],
    [`"x", ${etag}`, 304],
    ['*', 304],
    ['"x"', 200],
    ['nonsense', 200],
  ] as const) {
    const answered = await send({ url: `/v1/things/${ID}` }, { 'if-none-match': known })
    t.equal(answered.status, status, String(known))
    if (status === 304) t.equal(answered.text, '')
  }
})

t.test('bodies that may be left out, and calls that have none', async (t) => {
  const close = (payload?: string) =>
    send({
      method: 'POST',
      url: `/v1/things/${ID}/closing`,
      ...(payload === undefined ? {} : { payload }),
    })
  t.equal((await close()).status, 200)
  t.equal(seen().body, undefined)
  t.equal((await close('{"why":"done"}')).status, 200)
  t.same(seen().body, { why: 'done' })
  t.equal((await close('{"who":"me"}')).code, 'unknown_member')
  const drop = (payload?: string) =>
    send({
      method: 'DELETE',
      url: `/v1/things/${ID}`,
      ...(payload === undefined ? {} : { payload }),
    })
  t.equal((await drop()).status, 204)
  t.equal((await drop('{}')).status, 204)
  t.equal((await drop('{"a":1}')).code, 'unknown_member')
})

t.test('paths and methods outside the contract', async (t) => {
  for (const [method, url, status, code, allow] of [
    ['GET', '/v1/nothing', 404, 'no_such_route', undefined],
    ['GET', '/', 404, 'no_such_route', undefined],
    ['PUT', '/v1/things', 405, 'method_not_allowed', 'GET, POST, HEAD'],
    ['POST', `/v1/things/${ID}?x=1`, 405, 'method_not_allowed', 'GET, DELETE, PATCH, HEAD'],
    ['GET', '/v1/%zz', 400, 'malformed_request', undefined],
    ['GET', `/v1/things/${'x'.repeat(200)}`, 414, 'uri_too_long', undefined],
  ] as const) {
    const answered = await app.inject({ method, url, headers: SIGNED_IN })
    t.same(
      [answered.statusCode, answered.json().code],
      [status, code],
      `${method} ${url.slice(0, 60)}`,
    )
    t.equal(answered.headers['allow'], allow)
    t.match(answered.headers['content-type'], /^application\/problem\+json/)
    t.equal(answered.headers['cache-control'], 'no-store')
  }
  const head = await app.inject({ method: 'HEAD', url: `/v1/things/${ID}`, headers: SIGNED_IN })
  t.same([head.statusCode, head.body], [200, ''])
})

t.test('nothing of what was sent comes back or is logged', async (t) => {
  const canary = 'Zq7Canary93xK'
  const before = lines().length
  const requests = [
    post({ name: canary.repeat(3) }),
    post({ [canary]: 1, name: 'x' }),
    post({ name: 'x', colour: canary }),
    post({ name: 'x', at: canary }),
    post({ name: 'x', nested: { [canary]: {} } }),
    post({ name: 'x', nested: { [canary.toLowerCase().replace(/\d/g, 'x')]: { name: 1 } } }),
    post(`{"name": "${canary}`),
    post(`${canary}`),
    post({ name: 'x' }, { 'idempotency-key': canary }),
    post({ name: 'x' }, { 'content-type': `text/${canary}` }),
    send({ url: `/v1/things/${canary}` }),
    send({ url: `/v1/things?limit=${canary}` }),
    send({ url: `/v1/things?${canary}=1` }),
    send({ url: `/v1/${canary}` }),
    send({ url: `/v1/things/%zz${canary}` }),
    send(
      { method: 'PATCH', url: `/v1/things/${ID}`, payload: '{"name":"y"}' },
      { 'if-match': canary, 'content-type': 'application/merge-patch+json' },
    ),
    post({ name: 'x' }, { 'x-request-id': canary, 'request-id': canary }),
  ]
  for (const [index, request] of requests.entries()) {
    const { status, text, headers } = await request
    t.ok(status < 500, `${index}: ${status}`)
    t.notMatch(text + JSON.stringify(headers), /zq.canary/i, `answer ${index}`)
  }
  const logged = lines().slice(before)
  t.ok(logged.length > 10)
  t.notMatch(JSON.stringify(logged), /zq.canary/i, 'log')
})

t.test('a server does not start on a contract that it does not serve', async (t) => {
  const { createThing: _, ...rest } = handlers
  const nothing = async () => ({ status: 200 })
  await t.rejects(frame(contract, rest), /createThing has no handler/)
  await t.rejects(
    frame(contract, { ...handlers, makeThing: nothing }),
    /makeThing is for no operation/,
  )
  await t.rejects(
    frame(contract, rest, { publicHandlers: { createThing: nothing } }),
    /createThing is not public/,
  )
  await t.rejects(frame(contract, { ...handlers, getLiveness: nothing }), /getLiveness is public/)
  const path = { get: { security: [], responses: ok() } }
  const nameless = { ...document, paths: { ...document.paths, '/v1/x': path } }
  await t.rejects(
    frame({ bundled: document, resolved: nameless as OpenAPIV3_1.Document }, handlers),
    /no operationId/,
  )
})

t.test('an answer that is not in the contract is a fault of the server', async (t) => {
  const broken = await frame(contract, {
    ...handlers,
    listThings: async () => ({ status: 418 }),
    getThing: async () => ({ status: 200, body: { count: 1 } }),
    dropThing: async () => Promise.reject(new Error('secret of the database')),
  })
  t.teardown(() => broken.app.close())
  for (const [method, url] of [
    ['GET', '/v1/things'],
    ['GET', `/v1/things/${ID}`],
    ['DELETE', `/v1/things/${ID}`],
  ] as const) {
    const { statusCode, body } = await broken.app.inject({ method, url, headers: SIGNED_IN })
    t.equal(statusCode, 500, `${method} ${url}`)
    t.match(JSON.parse(body), { code: 'internal_error' })
    t.notMatch(body, /secret|stack/)
  }
  t.notMatch(broken.logText(), /secret/)
  t.equal(broken.lines().filter(({ level }) => level === 50).length, 3)
})
