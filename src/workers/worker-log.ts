/** What workers write to the server's log; a pino logger fits. Messages are constants. */
export interface WorkerLog {
  info(content: LogContent, message: string): void
  error(content: LogContent, message: string): void
  fatal(content: LogContent, message: string): void
}

/** Names and codes alone, never a value and never the message of an error. */
export interface LogContent {
  readonly task: string
  readonly code?: string
  readonly errorClass?: string
  readonly errorCode?: string
  readonly treeSize?: number
  readonly incidentId?: string
  readonly count?: number
  /** Name of a witness. */
  readonly witness?: string
  /** How long something has been as it is, in milliseconds. */
  readonly ms?: number
}

/** Class and code of an error, of several the first; what else it says may repeat a value. */
export function errorCodes(error: unknown): Pick<LogContent, 'errorClass' | 'errorCode'> {
  if (error instanceof AggregateError && error.errors.length > 0) return errorCodes(error.errors[0])
  const errorClass = error instanceof Error ? error.constructor.name : typeof error
  const { code } = (error ?? {}) as { code?: unknown }
  return {
    errorClass,
    ...(typeof code === 'string' && /^\w{1,60}$/.test(code) ? { errorCode: code } : {}),
  }
}
