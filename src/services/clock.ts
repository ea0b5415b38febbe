/**
 * One of the server's clocks: does what is due at `now` and says how much that was. Can be repeated
 * at any time and run by several nodes at once; nothing is done twice.
 */
export type Clock = (now: Date) => Promise<number>

/** Most items that one run of a clock takes on; the next run finds the rest. */
export const MOST_PER_RUN = 1000
