import type { Timers } from '../../src/workers/ticker.ts'

/** A clock that stands still until it is advanced. */
export class ManualTimers implements Timers {
  #now: number
  readonly #waiting = new Map<() => void, number>()

  constructor(now: number) {
    this.#now = now
  }

  readonly now = (): number => this.#now

  readonly after = (ms: number, work: () => void): (() => void) => {
    const entry = () => work()
    this.#waiting.set(entry, this.#now + ms)
    return () => void this.#waiting.delete(entry)
  }

  /** How many timers are set. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Sets the clock back; what waits keeps waiting as long as before. */
  putBack(ms: number): void {
    this.#now -= ms
    for (const [work, due] of this.#waiting) this.#waiting.set(work, due - ms)
  }

  /** Lets time pass, timer by timer; what they set off gets a little real time to settle. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await new Promise((resolve) => setTimeout(resolve, 5))
    for (;;) {
      const [next] = [...this.#waiting].sort(([, a], [, b]) => a - b)
      if (!next || next[1] > end) break
      this.#waiting.delete(next[0])
      this.#now = Math.max(this.#now, next[1])
      next[0]()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    this.#now = end
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
