import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import t from 'tap'
import { OstiaryError } from '../../src/errors.ts'
import type { Call } from '../../src/http/call.ts'
import { LOG_KEYS, loggerOptions } from '../../src/http/logging.ts'
import { buildMetricsServer } from '../../src/http/metrics.ts'
import { makePages, type PageQuery } from '../../src/http/pages.ts'
import { asOstiaryError } from '../../src/http/problem.ts'
import { nextOnGrid } from '../../src/http/time-grid.ts'
import type { Caller } from '../../src/services/caller.ts'
import { CALLER, dummyHandlers, frame, ID, openapi, SIGNED_IN } from './frame.ts'

const contract = await openapi()
const dummies = dummyHandlers(contract)

t.test('the time grid', async (t) => {
  t.test('points lie whole steps after the arrival, and none at it', async (t) => {
    for (const [now, next] of [
      [100, 125],
      [101, 125],
      [125, 125],
      [125.001, 150],
      [180, 200],
    ] as const) {
      t.equal(nextOnGrid(100, 25, now), next, String(now))
    }
  })

  const grid = 40
  const guard = (sector: Caller['sector']) => async () => async (): Promise<Caller> => ({
    ...CALLER,
    sector,
  })
  const handlers = {
    ...dummies,
    listNotices: async (call: Call) => {
      call.holdToGrid()
      throw new OstiaryError('not_found')
    },
    getCase: async () => ({ status: 404, timeGrid: true, body: {} }),
    getConsent: async () => Promise.reject(new OstiaryError('not_found', { timeGrid: true })),
    getPolicies: async () => Promise.reject(new Error('broken')),
  }
  const timed = async (sector: Caller['sector'], url: string) => {
    const { app } = await frame(contract, handlers, { timeGrid: grid, guard: guard(sector) })
    await app.inject({ url, headers: SIGNED_IN })
    const start = performance.now()
    await app.inject({ url, headers: SIGNED_IN })
    await app.close()
    return performance.now() - start
  }

  t.test('holds what is marked: by call, by reply, by error', async (t) => {
    for (const url of ['/v1/notices', `/v1/cases/${ID}`, `/v1/consents/${ID}`]) {
      const took = await timed('victim_support', url)
      t.ok(took >= grid - 1, `${url} took ${took} ms`)
    }
  })
  t.test("holds everything for sectors that can be on the perpetrator's side", async (t) => {
    for (const url of ['/v1/agencies', '/v1/policies', '/v1/agencies?nope=1']) {
      const took = await timed('perpetrator_programme', url)
      t.ok(took >= grid - 1, `${url} took ${took} ms`)
    }
  })
  t.test('leaves others alone', async (t) => {
    const times = [
      await timed('victim_support', '/v1/agencies'),
      await timed('police', '/v1/agencies'),
    ]
    t.ok(Math.min(...times) < grid - 5, `${times}`)
  })
})

t.test('pages', async (t) => {
  const pages = makePages(Buffer.alloc(32, 1))
  const call = (query: Partial<PageQuery> & object, over: object = {}) =>
    ({
      operationId: 'listNotices',
      caller: CALLER,
      params: {},
      query: { limit: 2, ...query },
      request: { url: '/v1/notices?limit=2' },
      ...over,
    }) as unknown as Call<unknown, unknown, PageQuery>
  const cursorOf = (link: string | undefined) => /[?&]cursor=([\w-]+)/.exec(link ?? '')?.[1] ?? ''

  const first = pages.reply(call({}), ['a', 'b'], 'internal position 42')
  t.same(first.body, { items: ['a', 'b'] }, 'items, and no total')
  t.match(first.headers?.['link'], /^<\/v1\/notices\?limit=2&cursor=[\w-]+>; rel="next"$/)
  const cursor = cursorOf(first.headers?.['link'])
  t.same(pages.read(call({ cursor })), { limit: 2, after: 'internal position 42' })
  t.same(pages.read(call({ cursor, limit: 9 })), { limit: 9, after: 'internal position 42' })
  t.same(pages.read(call({})), { limit: 2 })
  t.notOk(pages.reply(call({}), ['a']).headers, 'the last page leads nowhere')
  t.notMatch(Buffer.from(cursor, 'base64url').toString('latin1'), /position|42/, 'opaque')
  t.equal(
    cursorOf(pages.reply(call({}), ['c'], 'internal position 42').headers?.['link']),
    cursor,
    'equal pages have equal bytes',
  )
  const refused = (query: object, over: object = {}, by = pages) =>
    t.throws(() => by.read(call(query, over)), { code: 'invalid_cursor' })
  refused({ cursor }, { caller: { ...CALLER, clientId: 'another' } })
  refused({ cursor, acknowledged: true })
  refused({ cursor }, { operationId: 'listReviews' })
  refused({ cursor }, { params: { caseId: ID } })
  refused({ cursor }, {}, makePages(Buffer.alloc(32, 2)))
  for (const bad of ['AAAA', 'x', cursor.slice(0, -2), `${cursor}AA`, `A${cursor.slice(1)}`, '']) {
    refused({ cursor: bad })
  }
  const filtered = call({ acknowledged: false } as object)
  const next = cursorOf(pages.reply(filtered, ['a'], 'p').headers?.['link'])
  t.same(pages.read(call({ acknowledged: false, cursor: next } as object)).after, 'p')
})

t.test('limits', async (t) => {
  const limits = { rateLimit: 3, subjectLimit: 0, failureLimit: 2, maxEventLoopDelay: 0 }
  const { app } = await frame(contract, dummies, { limits })
  t.teardown(() => app.close())
  const call = (headers: Record<string, string>) => app.inject({ url: '/v1/agencies', headers })
  const codes = []
  for (let i = 0; i < 5; i++) codes.push((await call(SIGNED_IN)).statusCode)
  t.same(codes, [200, 200, 200, 429, 429])
  const over = await call(SIGNED_IN)
  t.match(over.json(), { code: 'rate_limited', status: 429 })
  t.match(over.headers['content-type'], /^application\/problem\+json/)
  t.match(over.headers['retry-after'], /^[1-9]\d*$/)
  t.notOk(Object.keys(over.headers).some((name) => name.startsWith('x-ratelimit')))

  const failures = []
  for (let i = 0; i < 4; i++) failures.push((await call({})).statusCode)
  t.same(failures, [401, 401, 429, 429], 'who fails to sign in too often is turned away')
  t.equal((await app.inject('/health/live')).statusCode, 200, 'health is not counted')
})

t.test('overload', async (t) => {
  const off = { rateLimit: 0, subjectLimit: 0, failureLimit: 0 }
  const limits = { ...off, maxEventLoopDelay: 1, settling: 0 }
  const { app } = await frame(contract, dummies, { limits })
  t.teardown(() => app.close())
  const until = performance.now() + 1600
  // Long turns of the event loop, with a breath in between for the sampler.
  while (performance.now() < until) {
    const stop = performance.now() + 150
    while (performance.now() < stop);
    await new Promise((resolve) => setImmediate(resolve))
  }
  const refused = await app.inject({ url: '/v1/agencies', headers: SIGNED_IN })
  t.equal(refused.statusCode, 503)
  t.match(refused.json(), { code: 'overloaded' })
  t.ok(refused.headers['retry-after'])
  t.equal((await app.inject('/health/live')).statusCode, 200, 'but it says that it is alive')
})

t.test('health', async (t) => {
  let ready: () => Promise<boolean> = async () => true
  const { app } = await frame(contract, dummies, { isReady: () => ready() })
  t.teardown(() => app.close())
  t.same((await app.inject('/health/live')).json(), { status: 'up' })
  t.equal((await app.inject('/health/ready')).statusCode, 200)
  for (const state of [async () => false, async () => Promise.reject(new Error('no database'))]) {
    ready = state
    const answered = await app.inject('/health/ready')
    t.equal(answered.statusCode, 503)
    t.match(answered.json(), { code: 'not_ready' })
    t.equal((await app.inject('/health/live')).statusCode, 200)
  }
})

t.test('the log holds nothing but the keys it may', async (t) => {
  const { app, lines } = await frame(contract, {
    ...dummies,
    getPolicies: async () => {
      const cause = Object.assign(new Error('Ana Horvat, Ilica 7'), {
        code: '23505',
        detail: 'Ana',
      })
      throw new Error('wrapped: Ana', { cause })
    },
  })
  t.teardown(() => app.close())
  for (const url of [
    '/v1/agencies',
    '/v1/policies',
    `/v1/cases/${ID}?x=Ana`,
    '/Ana',
    '/v1/%zzAna',
  ]) {
    await app.inject({ url, headers: SIGNED_IN })
  }
  app.log.info({ body: 'Ana', agencyId: 'a', nested: { name: 'Ana' }, count: 3 }, 'text %s', 'Ana')
  app.log.error(new Error('Ana'))
  app.log.warn({ err: new TypeError('Ana\n    at Ana (file:///Ana.ts:1:1)') })
  app.log.info('said %s', 'Ana')
  app.log.child({ name: 'Ana', component: 'worker' }).info({ req: { url: '/Ana' } }, 'child')
  const logged = lines()
  const allowed = new Set(Object.keys(LOG_KEYS))
  for (const line of logged) {
    t.same(
      Object.keys(line).filter((key) => !allowed.has(key)),
      [],
      JSON.stringify(line),
    )
  }
  t.notMatch(JSON.stringify(logged), /Ana|Horvat|Ilica|\?x=/)
  t.match(logged[0], {
    method: 'GET',
    route: '/v1/agencies',
    operationId: 'listAgencies',
    status: 200,
    agencyId: CALLER.agencyId,
    clientId: CALLER.clientId,
    msg: 'request',
  })
  t.match(
    logged.find(({ msg }) => msg === 'request failed'),
    {
      code: 'internal_error',
      errorClass: 'OstiaryError',
      causeClass: 'Error',
      frames: /server\.test\.ts/,
    },
  )
  t.match(
    logged.find(({ count }) => count === 3),
    { agencyId: 'a', msg: 'text %s' },
  )
})

t.test('a message of an error reaches the log by class and code alone', async (t) => {
  const written: string[] = []
  const logger = pino(loggerOptions('info'), { write: (line: string) => void written.push(line) })
  class DatabaseError extends Error {
    code = '22P02'
  }
  logger.error({ err: new DatabaseError('invalid input: "Ana"') }, 'storage failed')
  t.match(JSON.parse(written[0] ?? ''), {
    msg: 'storage failed',
    errorClass: 'DatabaseError',
    errorCode: '22P02',
  })
  t.notMatch(written.join(), /Ana/)
})

t.test('figures know operations and statuses, and nobody', async (t) => {
  const { app, metrics } = await frame(contract, dummies)
  t.teardown(() => app.close())
  await app.inject({ url: `/v1/cases/${ID}`, headers: SIGNED_IN })
  await app.inject({ url: `/v1/cases/${ID}` })
  await app.inject('/v1/zqcanary')
  const server = buildMetricsServer(metrics)
  t.teardown(() => server.close())
  const { body, headers } = await server.inject('/metrics')
  t.match(headers['content-type'], /^text\/plain/)
  t.match(body, /ostiary_http_request_duration_seconds_count\{operation="getCase",status="200"\} 1/)
  t.match(body, /_count\{operation="getCase",status="401"\} 1/)
  t.match(body, /_count\{operation="none",status="404"\} 1/)
  t.notMatch(body, new RegExp(`${ID}|zqcanary|${CALLER.agencyId}`))
  t.equal((await app.inject('/metrics')).statusCode, 404, 'not on the port of the API')
})

t.test('a database that is away makes 503, not 500', async (t) => {
  const away = (properties: object, message = 'x') => Object.assign(new Error(message), properties)
  for (const error of [
    away({ code: 'ECONNREFUSED', syscall: 'connect' }),
    away({ code: 'ENOENT', syscall: 'connect' }),
    away({ code: '57P01' }),
    away({ code: '08006' }),
    away({ code: '53300' }),
    away({}, 'Connection terminated unexpectedly'),
  ]) {
    t.equal(asOstiaryError(error).code, 'audit_unavailable')
  }
  for (const error of [
    away({ code: '23505' }),
    away({ code: 'ENOENT' }),
    new Error('x'),
    null,
    'x',
  ]) {
    t.equal(asOstiaryError(error).code, 'internal_error')
  }
  t.equal(asOstiaryError(away({ statusCode: 418 })).code, 'malformed_request')
})

t.test('what is not even HTTP gets a problem too', async (t) => {
  const { app } = await frame(contract, dummies)
  t.teardown(() => app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const raw = async (bytes: string) => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.end(bytes)
    return text(socket)
  }
  for (const [bytes, status, code] of [
    ['zqcanary nonsense\r\n\r\n', 400, 'malformed_request'],
    [
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'zqcanary'.repeat(4000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
  ] as const) {
    const answered = await raw(bytes)
    t.match(answered, new RegExp(`^HTTP/1.1 ${status} `))
    t.match(answered, /Content-Type: application\/problem\+json/)
    t.match(JSON.parse(answered.split('\r\n\r\n')[1] ?? ''), { status, code })
    t.notMatch(answered, /zqcanary/)
  }
})

t.test('a stop lets running requests end and sends new ones away', async (t) => {
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const { app } = await frame(contract, {
    ...dummies,
    listNotices: async () => {
      await held
      return { status: 200, body: { items: [] } }
    },
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  const answers = text(socket)
  const ask = (path: string) => {
    const headers = Object.entries({ host: 'x', ...SIGNED_IN }).map(([n, v]) => `${n}: ${v}\r\n`)
    socket.write(`GET ${path} HTTP/1.1\r\n${headers.join('')}\r\n`)
    return new Promise((resolve) => setTimeout(resolve, 50))
  }
  await ask('/v1/notices')
  const closed = app.close()
  await ask('/v1/agencies')
  release()
  await closed
  const [first = '', second = ''] = (await answers).split(/(?=HTTP\/1\.1)/)
  t.match(first, /^HTTP\/1.1 200 .*\{"items":\[\]\}/s, 'what ran has ended')
  t.match(second, /^HTTP\/1.1 503 .*"code":"not_ready"/s, 'what came later was sent away')
  t.match(second, /connection: close/i)
})

t.test('plugins live beside the contract, and its protections hold for them', async (t) => {
  const { app } = await frame(contract, dummies, {
    plugins: [
      async (server) => {
        server.get('/log/checkpoint', async () => 'text')
        server.get('/log/tile/*', async () => Promise.reject(new Error('Ana')))
      },
    ],
  })
  t.teardown(() => app.close())
  const answered = await app.inject('/log/checkpoint')
  t.equal(answered.body, 'text')
  t.equal(answered.headers['x-content-type-options'], 'nosniff')
  t.notOk(answered.headers['cache-control'], 'the log may be cached')
  const broken = await app.inject('/log/tile/0/x001/234')
  t.equal(broken.statusCode, 500)
  t.notMatch(broken.body, /Ana/)
  t.equal((await app.inject({ method: 'POST', url: '/log/checkpoint' })).statusCode, 405)
})
