import { BrokenSeal } from '../crypto/sodium.ts'
import { KeyUnavailable } from './key-unavailable.ts'
import type { OpenFailure, Opened } from './sealed-record.ts'

/**
 * Turns what opening may throw into a value, a broken seal into `broken`. Anything else is a fault of
 * the program and goes on.
 */
export function attempt<Value>(work: () => Value, broken: OpenFailure): Opened<Value> {
  try {
    return { opened: true, value: work() }
  } catch (error) {
    if (error instanceof BrokenSeal) return { opened: false, failure: broken }
    if (error instanceof KeyUnavailable) return { opened: false, failure: 'key_unavailable' }
    throw error
  }
}
