import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Provider } from 'oidc-provider'
import type { RecordSignIn } from '../services/record-sign-in.ts'
import type { TokenKeys } from '../services/token-keys.ts'
import { recordSignIns } from './sign-ins.ts'
import { resourceMetadata, serverMetadata } from './oauth-metadata.ts'
import { buildTokenProvider, type TokenProviderOptions } from './token-provider.ts'

export interface TokenServerOptions extends TokenProviderOptions {
  readonly keys: TokenKeys
  /** Writes the audit event; a token leaves once that is done. */
  readonly recordSignIn: RecordSignIn
}

/**
 * Fastify plugin: the OAuth server for agencies. `POST /oauth/token` is oidc-provider's, and the
 * only route of it that can be reached; metadata and keys are answered here.
 */
export async function tokenServer(
  app: FastifyInstance,
  options: TokenServerOptions,
): Promise<void> {
  const { origin, scopes, keys } = options
  const cached = { 'cache-control': `public, max-age=${keys.maxAge}` }
  // The library reads the body itself.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))

  const server = serverMetadata(origin, scopes)
  app.get('/.well-known/oauth-authorization-server', (_request, reply) =>
    reply.headers(cached).send(server),
  )
  // RFC 9728 §3.1 puts the path of the resource behind; many clients look without it.
  const resource = resourceMetadata(origin, scopes, options)
  for (const suffix of ['', '/v1'])
    app.get(`/.well-known/oauth-protected-resource${suffix}`, (_request, reply) =>
      reply.headers(cached).send(resource),
    )
  app.get('/oauth/jwks', (_request, reply) =>
    reply
      .headers(cached)
      .type('application/jwk-set+json')
      .send(JSON.stringify({ keys: keys.published() })),
  )

  const answerFor = providerOfTheKey(options)
  app.post('/oauth/token', (request, reply) => {
    standAtPublicOrigin(request.raw, origin)
    handOver(reply)
    return answerFor(request, reply)
  })
}

/** The provider for the key that signs now; another takes its place when the key changes. */
function providerOfTheKey(options: TokenServerOptions) {
  const requests = new WeakMap<IncomingMessage, FastifyRequest>()
  // Owned by the returned function; requests under way keep the provider with which they began.
  let current: { kid: string; answer: ReturnType<Provider['callback']> } | undefined

  const build = (key: ReturnType<TokenKeys['signing']>) => {
    const provider = buildTokenProvider(key, options)
    recordSignIns(provider, {
      record: options.recordSignIn,
      requestId: (raw) => requests.get(raw)?.id,
      onFailure: (raw) => requests.get(raw)?.log.error('sign-in could not be logged'),
    })
    // The code alone: what the client sent, assertions above all, is never logged.
    provider.on('grant.error', (ctx, { error }) => {
      requests.get(ctx.req)?.log.info({ code: error }, 'token refused')
    })
    provider.on('server_error', (ctx, error) => {
      requests.get(ctx.req)?.log.error({ err: error }, 'token server failed')
    })
    return { kid: key.kid, answer: provider.callback() }
  }

  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const key = options.keys.signing()
    if (current?.kid !== key.kid) current = build(key)
    requests.set(request.raw, request)
    await current.answer(request.raw, reply.raw)
  }
}

/**
 * Makes the request look as the client sent it to the public origin, which is what assertion and
 * proof are made out to; what a proxy or the client says of it does not count. Errors leave as JSON.
 */
function standAtPublicOrigin(raw: IncomingMessage, origin: string): void {
  const { protocol, host } = new URL(origin)
  raw.headers['x-forwarded-proto'] = protocol.slice(0, -1)
  raw.headers['x-forwarded-host'] = host
  raw.headers.accept = 'application/json'
}

/** Gives the connection to the library, with the headers that hooks have set so far. */
function handOver(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value)
  reply.hijack()
}
