import Fastify, { type FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client'

/** Figures of one process for Prometheus: names, counts and times; no ids, no values. */
export interface Metrics {
  readonly registry: Registry
  /** One answered request. `operation` is an operationId, or `none`. */
  readonly observe: (operation: string, status: number, seconds: number) => void
}

/** New figures; `collectDefault` adds those of the Node process. */
export function makeMetrics({ collectDefault = true } = {}): Metrics {
  const registry = new Registry()
  if (collectDefault) collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'ostiary_http_request_duration_seconds',
    help: 'Time from arrival to the last byte, by operation of the contract and status',
    labelNames: ['operation', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  })
  return {
    registry,
    observe: (operation, status, seconds) => requests.observe({ operation, status }, seconds),
  }
}

/** Serves `GET /metrics` on a port of its own, so that it never faces the clients of the API. */
export function buildMetricsServer({ registry }: Metrics): FastifyInstance {
  const app = Fastify()
  app.get('/metrics', async (_request, reply) => {
    void reply.type(registry.contentType)
    return registry.metrics()
  })
  return app
}
