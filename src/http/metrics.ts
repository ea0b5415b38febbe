import Fastify, { type FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Figures of one process for Prometheus: names, counts and times; no ids, no values. */
export interface Metrics {
  readonly registry: Registry
  /** One answered request. `operation` is an operationId, or `none`. */
  readonly observe: (operation: string, status: number, seconds: number) => void
  /** Asks for the figures of the self-check whenever somebody reads; what cannot be read is left out. */
  readonly watchIntegrity: (figures: IntegrityFigures) => void
}

/** How the self-check is doing, over all nodes. */
export interface IntegrityFigures {
  readonly openIncidents: () => Promise<number>
  /** End of the last whole cycle; undefined before the first. */
  readonly finishedAt: () => Promise<Date | undefined>
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
    watchIntegrity: (figures) => watchIntegrity(registry, figures),
  }
}

function watchIntegrity(registry: Registry, figures: IntegrityFigures): void {
  const gauge = (name: string, help: string, read: () => Promise<number | undefined>) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const value = await read().catch(() => undefined)
        if (value === undefined) this.reset()
        else this.set(value)
      },
    })
  gauge(
    'ostiary_integrity_incidents_open',
    'Integrity incidents that no operator has closed',
    figures.openIncidents,
  )
  gauge(
    'ostiary_self_check_finished_seconds',
    'When the self-check was last over with everything, in seconds since the epoch',
    async () => {
      const at = await figures.finishedAt()
      return at && at.getTime() / 1000
    },
  )
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
