/** Figures and how they are told: one JSON line per case. */

/** One line of output. Without a peer `base` and `ratio` are null and `value` is in the unit. */
export interface Line {
  readonly bench: string
  readonly case: string
  readonly value: number
  readonly base: number | null
  readonly unit: string
  /** `value / base`. */
  readonly ratio: number | null
  /** What `ratio` (or `value`, where there is no ratio) is held to: `>= 0.6`, `<= 3`. */
  readonly goal: string
  /** Rounds behind each figure. */
  readonly runs: number
}

/** Makes the line of a comparison: medians over rounds that were run in turns. */
export function compared(
  line: Pick<Line, 'bench' | 'case' | 'unit' | 'goal'>,
  values: readonly number[],
  bases: readonly number[],
): Line {
  const { bench, unit, goal } = line
  const [value, base] = [median(values), median(bases)]
  return {
    bench,
    case: line.case,
    value: rounded(value),
    base: rounded(base),
    unit,
    ratio: rounded(value / base),
    goal,
    runs: values.length,
  }
}

/** Makes the line of something that has no peer. */
export function measured(
  line: Pick<Line, 'bench' | 'case' | 'unit' | 'goal'>,
  values: readonly number[],
): Line {
  const { bench, unit, goal } = line
  const value = rounded(median(values))
  return { bench, case: line.case, value, base: null, unit, ratio: null, goal, runs: values.length }
}

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  const upper = sorted[half] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2
}

/** The smallest value that is not exceeded by `share` (0 to 1) of all. */
export function percentile(values: Float64Array, share: number): number {
  const sorted = values.slice().sort()
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** Three significant digits: more would pretend to a precision that a shared machine does not have. */
const rounded = (value: number): number => Number(value.toPrecision(3))
