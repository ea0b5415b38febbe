const MS = { W: 604_800_000, D: 86_400_000, H: 3_600_000, M: 60_000, S: 1_000 }

/** ISO 8601-1 durations whose length does not depend on the calendar: no years, no months. */
export const DURATION_PATTERN =
  '^P(?!$)(\\d{1,5}W|(\\d{1,5}D)?(T(?=\\d)(\\d{1,5}H)?(\\d{1,5}M)?(\\d{1,5}S)?)?)$'

const DURATION = new RegExp(DURATION_PATTERN)
const PART = /(\d+)([WDHMS])/g

/** Milliseconds of a duration such as `P30D` or `PT24H`; undefined when it is not one of fixed length. */
export function durationMs(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined
  let total = 0
  for (const [, count, unit] of text.matchAll(PART)) {
    total += Number(count) * MS[unit as keyof typeof MS]
  }
  return total
}
