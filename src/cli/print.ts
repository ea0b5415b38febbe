/** Prints a result: as JSON for programs, or the given lines for people. */
export function print(
  options: { readonly json?: boolean },
  result: unknown,
  lines: readonly string[],
): void {
  const text = options.json ? JSON.stringify(result, null, 2) : lines.join('\n')
  process.stdout.write(`${text}\n`)
}
