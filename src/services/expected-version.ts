import { OstiaryError } from '../errors.ts'

/** Versions that a change may start from, as `If-Match` says them. */
export type Expected = 'any' | readonly number[]

/** Throws `precondition_failed` unless the present version is an expected one. */
export function requireVersion(expected: Expected, version: number): void {
  if (expected !== 'any' && !expected.includes(version))
    throw new OstiaryError('precondition_failed')
}
