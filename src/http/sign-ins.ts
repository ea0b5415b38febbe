import type { IncomingMessage } from 'node:http'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { RecordSignIn, SignIn } from '../services/record-sign-in.ts'

/**
 * Has every answer of the token endpoint written down before it leaves. Where that fails, the answer is
 * 503 and no token leaves: `temporarily_unavailable` in the words of OAuth.
 */
export function recordSignIns(
  provider: Provider,
  options: {
    readonly record: RecordSignIn
    readonly requestId: (raw: IncomingMessage) => string | undefined
    readonly onFailure: (raw: IncomingMessage) => void
  },
): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    await next()
    const signIn = signInOf(ctx)
    if (!signIn) return
    const requestId = options.requestId(ctx.req)
    try {
      await options.record({ ...signIn, ...(requestId === undefined ? {} : { requestId }) })
    } catch {
      options.onFailure(ctx.req)
      ctx.status = 503
      ctx.set('retry-after', '5')
      ctx.body = {
        error: 'temporarily_unavailable',
        error_description: 'nothing can be logged at present, so no token is issued',
      }
    }
  })
}

/** What became of a token request; undefined for what is no answer of the endpoint, or a fault of our own. */
function signInOf(ctx: KoaContextWithOIDC): SignIn | undefined {
  // The library sets `oidc` for its own routes only.
  const oidc = ctx.oidc as KoaContextWithOIDC['oidc'] | undefined
  if (!oidc || ctx.status >= 500) return undefined
  const named = oidc.client
  const client = named && {
    agencyId: String(named['agency_id']),
    clientId: named.clientId,
  }
  const about = client ? { client } : {}
  const { error } = (ctx.body ?? {}) as { readonly error?: unknown }
  if (ctx.status !== 200)
    return { ...about, issued: false, code: typeof error === 'string' ? error : 'invalid_request' }
  const token = oidc.entities.ClientCredentials
  if (!token) return undefined
  return {
    ...about,
    issued: true,
    scopes: token.scope?.split(' ') ?? [],
    ...(token.jkt === undefined ? {} : { keyThumbprint: token.jkt }),
  }
}
