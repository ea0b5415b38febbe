import rateLimit, { type FastifyRateLimitStoreCtor } from '@fastify/rate-limit'
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { OstiaryError } from '../errors.ts'
import type { Caller } from '../services/caller.ts'

export interface Limits {
  /** Calls per minute and client; 0: no limit. */
  readonly rateLimit: number
  /** Requests for disclosure per minute, client and person, so that nobody can be probed; 0: no limit. */
  readonly subjectLimit: number
  /** Refused sign-ins per minute and address; 0: no limit. */
  readonly failureLimit: number
  /** Mean event loop delay in milliseconds above which requests are refused; 0: no limit. */
  readonly maxEventLoopDelay: number
  /** Milliseconds after the start in which a slow event loop is not taken for overload; default 5 s. */
  readonly settling?: number
  /** Writes down that somebody was turned away; the answer waits for it. */
  readonly onLimited?: OnLimited
  /** Where calls are counted; absent: in the memory of this process. */
  readonly store?: FastifyRateLimitStoreCtor
}

/** What there was too much of. */
export type LimitCode = 'too_many_calls' | 'too_many_about_one_person' | 'too_many_failed_sign_ins'

export type OnLimited = (
  code: LimitCode,
  by: { readonly requestId: string; readonly caller?: Caller; readonly subjectId?: string },
) => Promise<void>

export interface Counters {
  /** Throws `rate_limited` when the client has made too many calls. */
  readonly countCall: (request: FastifyRequest, caller: Caller) => Promise<void>
  /** Throws `rate_limited` when the client has asked too often about the person whom the body names. */
  readonly countSubject: (request: FastifyRequest) => Promise<void>
  /** Throws `rate_limited` when the address has failed to sign in too often. */
  readonly countRefusal: (request: FastifyRequest) => Promise<void>
}

const MINUTE = 60_000

const SETTLING = 5_000

/** Routes that answer even when the server is overloaded: an orchestrator must not kill it for that. */
const ALWAYS_ANSWERED = new Set(['/health/live'])

/**
 * Registers overload protection, and makes the counters for the contract. What a client has left is
 * not told in headers: it would tell apart answers that must look the same.
 */
export async function registerLimits(app: FastifyInstance, limits: Limits): Promise<Counters> {
  // Compiling routes and policies holds the event loop: that is start-up, not load.
  const settledAt = performance.now() + (limits.settling ?? SETTLING)
  await app.register(underPressure, {
    maxEventLoopDelay: limits.maxEventLoopDelay,
    pressureHandler: (request: FastifyRequest) => {
      if (ALWAYS_ANSWERED.has(request.routeOptions.url ?? '')) return
      if (performance.now() < settledAt) return
      return Promise.reject(new OstiaryError('overloaded', { headers: { 'retry-after': '10' } }))
    },
  })
  await app.register(rateLimit, { global: false, ...(limits.store && { store: limits.store }) })
  const make = counterMaker(app, limits.onLimited)
  return {
    countCall: make(limits.rateLimit, 'too_many_calls', (request) => {
      return `client:${request.caller?.clientId}`
    }),
    countSubject: make(limits.subjectLimit, 'too_many_about_one_person', (request) => {
      return `subject:${request.caller?.clientId}:${subjectOf(request)}`
    }),
    countRefusal: make(limits.failureLimit, 'too_many_failed_sign_ins', (request) => {
      return `address:${request.ip}`
    }),
  }
}

const subjectOf = ({ body }: FastifyRequest): string =>
  String((body as { subjectId?: unknown }).subjectId)

function counterMaker(app: FastifyInstance, onLimited: OnLimited | undefined) {
  return (
    max: number,
    code: LimitCode,
    keyGenerator: (request: FastifyRequest) => string,
  ): ((request: FastifyRequest) => Promise<void>) => {
    if (max === 0) return () => Promise.resolve()
    const count = app.createRateLimit({ max, timeWindow: MINUTE, keyGenerator })
    return async (request) => {
      const counted = await count(request)
      if (counted.isAllowed || !counted.isExceeded) return
      const { caller, id: requestId } = request
      await onLimited?.(code, {
        requestId,
        ...(caller ? { caller } : {}),
        ...(code === 'too_many_about_one_person' ? { subjectId: subjectOf(request) } : {}),
      })
      const headers = { 'retry-after': String(counted.ttlInSeconds) }
      throw new OstiaryError('rate_limited', { headers })
    }
  }
}
