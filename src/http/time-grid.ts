import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'

/**
 * Holds marked answers, errors too, until the next multiple of `grid` milliseconds since the request
 * arrived, so that the time an answer takes tells its receiver only a class (architecture §4).
 *
 * Registers `arrivedAt` and `onTimeGrid` on the request; 0 turns the grid off.
 */
export function registerTimeGrid(app: FastifyInstance, grid: number): void {
  app.decorateRequest('arrivedAt', 0)
  app.decorateRequest('onTimeGrid', false)
  app.addHook('onRequest', async (request) => {
    request.arrivedAt = performance.now()
  })
  if (grid === 0) return
  // The last hook before the bytes: nothing that depends on data comes after it.
  app.addHook('onSend', async (request, _reply, payload) => {
    if (request.onTimeGrid) await sleepUntil(nextOnGrid(request.arrivedAt, grid, performance.now()))
    return payload
  })
}

/** First point of the grid that begins at `start` and is not earlier than `now`; all in milliseconds. */
export function nextOnGrid(start: number, grid: number, now: number): number {
  return start + Math.max(1, Math.ceil((now - start) / grid)) * grid
}

/** Timers may fire up to a millisecond early; the loop makes that good. */
async function sleepUntil(time: number): Promise<void> {
  for (let left = time - performance.now(); left > 0; left = time - performance.now()) {
    await sleep(Math.ceil(left))
  }
}
