/** Lines of CSV (RFC 4180) that stay data when a spreadsheet opens them. */

/** What ends a line, the last one too (RFC 4180 §2.1). */
const CRLF = '\r\n'

/**
 * First characters by which spreadsheets take a cell for a formula, or come to one after them (OWASP,
 * "CSV Injection"); full-width forms are folded to the same by some.
 */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/

/**
 * One line. Every cell is in quotes, so that no separator of any locale splits it; one that could be
 * taken for a formula gets an apostrophe before it. Lists are joined by spaces.
 */
export function csvLine(cells: readonly (string | readonly string[] | undefined)[]): string {
  return cells.map(csvCell).join(',') + CRLF
}

function csvCell(cell: string | readonly string[] | undefined): string {
  const text = typeof cell === 'string' ? cell : (cell ?? []).join(' ')
  const safe = FORMULA.test(text) ? `'${text}` : text
  return `"${safe.replaceAll('"', '""')}"`
}
