/** The contract for readers: `/openapi.yaml` in one piece, and `/docs/` as a page. */
import { createHash } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import type { OpenAPIV3_1 } from 'openapi-types'
import { stringify } from 'yaml'

/** The page with its script, as the library makes them, and the policy under which they run. */
interface ReferencePage {
  readonly html: string
  readonly script: string
  readonly policy: string
}

/** Registers `/openapi.yaml`, `/docs` and `/docs/`; each is made when it is first asked for. */
export function registerReference(app: FastifyInstance, bundled: OpenAPIV3_1.Document): void {
  const yaml = once(() => stringify(bundled, { lineWidth: 0, aliasDuplicateObjects: false }))
  const page = once(buildPage)
  const config = { operationId: 'getReference' }

  app.get('/openapi.yaml', { config: { operationId: 'getContract' } }, async (_request, reply) =>
    reply.type('application/yaml; charset=utf-8').send(yaml()),
  )
  app.get('/docs', { config }, async (_request, reply) => reply.redirect('/docs/', 308))
  app.get('/docs/', { config }, async (_request, reply) => {
    const { html, policy } = await page()
    return reply
      .header('content-security-policy', policy)
      .type('text/html; charset=utf-8')
      .send(html)
  })
  app.get('/docs/js/scalar.js', { config }, async (_request, reply) => {
    const { script } = await page()
    return reply.type('text/javascript; charset=utf-8').send(script)
  })
}

/**
 * Lets the library render into a server that nobody reaches, because it is large to load and its
 * routes are few. Everything that would talk to its makers is off, and forbidden by the policy.
 */
async function buildPage(): Promise<ReferencePage> {
  const { default: scalar } = await import('@scalar/fastify-api-reference')
  const press = Fastify()
  await press.register(scalar, {
    routePrefix: '/docs',
    configuration: {
      url: '/openapi.yaml',
      pageTitle: 'Ostiary API',
      withDefaultFonts: false,
      telemetry: false,
      showDeveloperTools: 'never',
      hideClientButton: true,
      hideTestRequestButton: true,
      agent: { disabled: true, hideAddApi: true },
      mcp: { disabled: true },
    },
  })
  const html = (await press.inject('/docs/')).body
  const script = (await press.inject('/docs/js/scalar.js')).body
  await press.close()
  return { html, script, policy: policyFor(html) }
}

/** Scripts from here and by hash alone, nothing from elsewhere, nothing framed. */
function policyFor(html: string): string {
  const inline = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)]
  const hashes = inline.map(
    ([, code = '']) => `'sha256-${createHash('sha256').update(code).digest('base64')}'`,
  )
  return [
    "default-src 'none'",
    ['script-src', "'self'", ...hashes].join(' '),
    // The library writes its style sheets at run time.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** Makes something the first time it is wanted, and keeps it. */
function once<T extends object | string>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}
