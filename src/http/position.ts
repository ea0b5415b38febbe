import { OstiaryError } from '../errors.ts'
import type { Page } from './pages.ts'

/** A place in a list ordered by time and id. */
export interface Position {
  readonly at: Date
  readonly id: string
  /** Which of several lines under one id. */
  readonly line?: string
}

/** A place as text, for a cursor; undefined when the page was not full, so that none follows. */
export function positionText(
  last: Position | undefined,
  count: number,
  limit: number,
): string | undefined {
  if (!last || count < limit) return undefined
  const { at, id, line } = last
  return [at.toISOString(), id, ...(line === undefined ? [] : [line])].join('/')
}

/** The place that a cursor named. */
export function positionOf({ after }: Page): Position | undefined {
  if (after === undefined) return undefined
  const [at, id, line] = after.split('/')
  if (!at || !id) throw new OstiaryError('invalid_cursor')
  return { at: new Date(at), id, ...(line === undefined ? {} : { line }) }
}
