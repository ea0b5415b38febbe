import { type ErrorEntry, ERRORS } from '../../src/errors.ts'
import { SETTINGS } from '../../src/config.ts'
import { auditEventsPage } from './audit-events-page.ts'
import { readClaims, readRequirements, requirementsPage } from './requirements.ts'

/** Pages of the manual that are written from tables in the code, by path from the root. */
export const REFERENCES: Readonly<Record<string, () => string>> = {
  'docs/errors.md': errorsPage,
  'docs/configuration.md': configurationPage,
  'docs/audit-events.md': auditEventsPage,
  'docs/requirements.md': () => requirementsPage(readRequirements(), readClaims().claims),
}

function errorsPage(): string {
  const rows = Object.entries<ErrorEntry>(ERRORS).map(
    ([code, { status, title, meaning }]) => `| \`${code}\` | ${status} | ${title} | ${meaning} |`,
  )
  return `# Errors

Every answer of 400 and above is \`application/problem+json\` (RFC 9457). Branch on \`code\`: codes are
never renamed and never reused; titles and details are for people and may change. \`type\` is
\`urn:ostiary:error:<code>\`, \`instance\` is \`urn:uuid:<id of the request>\`, as in the header
\`Request-Id\` and in the log of the server. Where a part of the request is at fault, \`errors\` says
which by JSON Pointer: \`#/…\` into the body, \`#/path/…\` and \`#/query/…\` for parameters. No problem
repeats anything that the request held; a part whose name the contract does not know shows as \`*\`.

| code | status | title | when |
|---|---|---|---|
${rows.join('\n')}
`
}

function configurationPage(): string {
  const rows = Object.values(SETTINGS).map((setting) => {
    const standard =
      'standard' in setting
        ? `\`${setting.standard}\``
        : 'derived' in setting
          ? setting.derived
          : '–'
    const file = 'secret' in setting ? ` or \`${setting.name}_FILE\`` : ''
    return `| \`${setting.name}\`${file} | ${standard} | ${setting.meaning} |`
  })
  return `# Configuration

All settings are environment variables, read once at the start. Every fault is reported at once and
stops the server; so does an unknown variable that begins with \`OSTIARY_\`. An empty variable counts
as absent. Secrets can also come from a file (such as a mounted secret): put its path into the
variable that ends in \`_FILE\`.

| variable | standard | meaning |
|---|---|---|
${rows.join('\n')}
`
}
