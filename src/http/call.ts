import type { FastifyRequest } from 'fastify'
import type { Caller } from '../services/caller.ts'
import type { IfMatch } from './conditional.ts'
import type { IdempotencyClaim } from './idempotency.ts'

/**
 * One call of an operation, valid by contract: parameters coerced to their types, body as sent. Name
 * what the contract promises in the type arguments: `Call<DisclosureRequest, { caseId: string }>`.
 */
export interface Call<Body = unknown, Params = unknown, Query = unknown> {
  readonly operationId: string
  readonly caller: Caller
  readonly params: Params
  readonly query: Query
  /** Undefined where the contract has no body, or an optional one was left out. */
  readonly body: Body
  /** Present exactly where the contract asks for `Idempotency-Key`. */
  readonly idempotency?: IdempotencyClaim
  /** Present exactly where the contract asks for `If-Match`. */
  readonly ifMatch?: IfMatch
  readonly requestId: string
  /**
   * Holds the answer to the time grid, whatever comes of it: call it as soon as it is known that the
   * caller may be on the perpetrator's side. `Reply.timeGrid` and `OstiaryError.timeGrid` do the same.
   */
  readonly holdToGrid: () => void
  /** For protocol code; use cases never see it. */
  readonly request: FastifyRequest
}

/** A call of an operation that is open to everybody. */
export type PublicCall = Omit<Call, 'caller' | 'idempotency' | 'ifMatch' | 'holdToGrid'>

/** What an operation answers; `status` must be in the contract, undeclared members of `body` are dropped. */
export interface Reply {
  readonly status: number
  readonly body?: unknown
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly timeGrid?: boolean
}

/** Carries out one operation; refusals are thrown as `OstiaryError`. */
export type Handler = (call: Call<never, never, never>) => Promise<Reply>
export type PublicHandler = (call: PublicCall) => Promise<Reply>

/** Handlers by operationId. */
export type Handlers = Readonly<Record<string, Handler>>
export type PublicHandlers = Readonly<Record<string, PublicHandler>>

declare module 'fastify' {
  interface FastifyRequest {
    /** Set once the guard has let the call in. */
    caller?: Caller
    /** The body byte by byte, where there was one. */
    rawBody?: Buffer
    /** `performance.now()` when the request was routed. */
    arrivedAt: number
    /** The answer, whatever it is, leaves on the time grid. */
    onTimeGrid: boolean
  }
  interface FastifyContextConfig {
    operationId?: string
  }
}
