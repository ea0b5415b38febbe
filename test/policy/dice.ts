/** Draws that are the same for the same seed on every machine. */
export interface Dice {
  /** True in this share (0 to 1) of all throws. */
  readonly chance: (share: number) => boolean
  /** A whole number from 0 up to, not including, `end`. */
  readonly below: (end: number) => number
  /** @throws Error when there is nothing to pick from */
  readonly pick: <T>(items: readonly T[]) => T
  /** Some of the items, in their order; each with this chance. */
  readonly some: <T>(items: readonly T[], share: number) => T[]
}

/** Mulberry32. */
export function dice(seed: number): Dice {
  let state = seed >>> 0
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number) => Math.floor(random() * end)
  return {
    chance: (share) => random() < share,
    below,
    pick: (items) => {
      if (items.length === 0) throw new Error('nothing to pick from')
      return items[below(items.length)] as (typeof items)[number]
    },
    some: (items, share) => items.filter(() => random() < share),
  }
}
