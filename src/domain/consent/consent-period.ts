/** How long a consent holds: six months unless the person says otherwise, never more than two years. */
const USUAL_MONTHS = 6
const MOST_MONTHS = 24

/** End of a consent given at `givenAt`, exclusive; undefined when the wished end is past or too far off. */
export function consentEnd(givenAt: Date, wished?: Date): Date | undefined {
  if (wished === undefined) return addMonths(givenAt, USUAL_MONTHS)
  const inTime = wished > givenAt && wished <= addMonths(givenAt, MOST_MONTHS)
  return inTime ? wished : undefined
}

/** State at an instant; a consent runs from its first instant up to, not including, its last. */
export function consentState(
  consent: { readonly expiresAt: Date; readonly withdrawnAt: Date | null },
  at: Date,
): 'given' | 'withdrawn' | 'expired' {
  if (consent.withdrawnAt !== null) return 'withdrawn'
  return consent.expiresAt <= at ? 'expired' : 'given'
}

/** Same day and time some calendar months later in UTC, or the month's last day where it has no such day. */
function addMonths(from: Date, months: number): Date {
  const to = new Date(from)
  to.setUTCDate(1)
  to.setUTCMonth(to.getUTCMonth() + months)
  const lastDay = new Date(Date.UTC(to.getUTCFullYear(), to.getUTCMonth() + 1, 0)).getUTCDate()
  to.setUTCDate(Math.min(from.getUTCDate(), lastDay))
  return to
}
