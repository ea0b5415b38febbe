import type { Answer } from '../support/agency-client.ts'

/** One entry of a disclosure, as the API shows it. */
interface Entry {
  readonly field: string
  readonly outcome: string
  readonly value?: unknown
  readonly stale?: boolean
  readonly transform?: string
  readonly expiresAt?: string
  readonly tests: Readonly<Record<string, string>>
  readonly rules?: readonly string[]
  readonly reasons?: readonly { readonly code: string }[]
}

const COLUMNS = ['field', 'outcome', 'N A T S', 'value or reason', 'rule'] as const

/** Prints the entries of a disclosure as a table for people. N A T S: necessary, accurate, timely, secure. */
export function printEntries({ body }: Answer): void {
  const entries = body.fields as readonly Entry[]
  const rows = entries.map((entry) => [
    entry.field,
    entry.outcome + (entry.stale ? ', stale' : ''),
    ['necessary', 'accurate', 'timely', 'secure'].map((test) => mark(entry.tests[test])).join(' '),
    entry.value === undefined ? reasonOf(entry) : shorten(JSON.stringify(entry.value)),
    (entry.rules ?? []).join(', '),
  ])
  if (rows.length === 0) console.log('      (nothing: no entry at all)')
  else printTable([[...COLUMNS], ...rows])
  console.log(
    `      outcome ${body.outcome}, policy version ${body.policy.version}, event ${body.receipt.eventId}\n`,
  )
}

const mark = (result: string | undefined): string =>
  result === 'pass' ? '+' : result === 'fail' ? '-' : '.'

const reasonOf = ({ reasons = [] }: Entry): string => reasons.map(({ code }) => code).join(', ')

const shorten = (text: string): string => (text.length > 44 ? `${text.slice(0, 43)}…` : text)

function printTable(rows: readonly (readonly string[])[]): void {
  const widths = COLUMNS.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  for (const [index, row] of rows.entries()) {
    console.log(
      `      ${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}`,
    )
    if (index === 0) console.log(`      ${widths.map((width) => '-'.repeat(width)).join('  ')}`)
  }
}
