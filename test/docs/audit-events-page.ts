import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { EVENT_SHAPES, type EventShape } from '../../src/domain/log/event-shapes.ts'
import { EVENT_TYPES, type EventType } from '../../src/domain/log/event.ts'

interface Contract {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly 'x-audit-event-always': readonly EventType[]
}

interface Operation {
  readonly operationId?: string
  readonly 'x-audit-event'?: readonly EventType[] | { readonly none: string }
}

const code = (word: string): string => `\`${word}\``

/** The page about what is logged, from the table of events and from the contract. */
export function auditEventsPage(): string {
  const text = readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8')
  const contract = parse(text) as Contract
  const operations = Object.values(contract.paths)
    .flatMap((item) => Object.values(item))
    .filter(({ operationId }) => operationId !== undefined)
  const always = contract['x-audit-event-always'].map(code).join(' and ')
  const rows = EVENT_TYPES.map((type) => row(type, EVENT_SHAPES[type], writersOf(operations, type)))
  const silent = Map.groupBy(
    operations.flatMap((operation) => {
      const said = operation['x-audit-event']
      return said && 'none' in said ? [{ id: operation.operationId ?? '', why: said.none }] : []
    }),
    ({ why }) => why,
  )
  const reasons = [...silent].map(
    ([why, those]) => `- ${those.map(({ id }) => code(id)).join(', ')}: ${why}.`,
  )
  return `${INTRODUCTION}
## The events

Every operation that needs a token also writes ${always}, when it turns somebody away.

| event | class | what it says | always about | public part | private part | sometimes | written by |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}

## Operations that write none

${reasons.join('\n')}
${NOTES}`
}

function row(type: EventType, shape: EventShape, writers: readonly string[]): string {
  const list = (words: readonly string[]) => (words.length > 0 ? words.map(code).join(', ') : '–')
  const cells = [
    code(type),
    shape.led ?? '–',
    shape.says,
    list(shape.about),
    list(shape.public),
    list(shape.private),
    list(shape.sometimes ?? []),
    list([...writers, ...(shape.beside ?? [])]),
  ]
  return `| ${cells.join(' | ')} |`
}

const writersOf = (operations: readonly Operation[], type: EventType): string[] =>
  operations.flatMap((operation) => {
    const said = operation['x-audit-event']
    const types = said && !('none' in said) ? said : []
    return types.includes(type) ? [operation.operationId ?? ''] : []
  })

const INTRODUCTION = `# What is logged

Every operation on case data leaves an audit event in the transaction of what it tells: collection,
alteration, consultation, disclosure with transfers, combination and erasure (LED art. 25), refusals and
previews included; so do changes of policies, consents, agreements, agencies, practitioners, keys and
configuration, sign-ins, and the reading of the log itself. An operation whose event cannot be written
does not happen: it answers 503 \`audit_unavailable\`.

An event holds ids, codes, names of fields and of rules, times and digests. It never holds a value of a
field, nor anything that somebody wrote in own words: justifications and notes are sealed elsewhere
(\`disclosure.notes_sealed\`), and the event says only that there was one (\`justified\`).

## Two parts

Each event has a **public part**, which is what whoever acted saw, and a **private part** with the rest:
true causes of what was silent, what was weighed, digests of what was stored. Both begin with the same
header, \`event\`:

- \`id\`, \`at\` (UTC), \`type\`, \`requestId\`;
- \`agencyId\`, \`clientId\`, \`practitionerId\`, \`role\`: who acted, as far as it was somebody of an agency;
- \`caseId\`, \`subjectId\`: about whom;
- \`operation\`: operationId of the contract, the words of a command (\`keys rotate token\`), or the name of a
  clock (\`settle_duties\`);
- \`channel\`: \`sender_constrained\` or \`bearer\` over the API, \`command_line\`, \`worker\`;
- \`result\`: \`done\`, \`refused\`, or of a decision its overall outcome (\`full\`, \`partial\`, \`none\`, \`review\`).

Of a decision, \`entries\` name for every field that the requester was told of: outcome, the four tests,
rules, reasons, legal basis, obligations, source and provenance by codes. \`recipient\` is the agency that
received, \`transfers\` each source from which something left: within the agency (\`own\`), within its
organisation (\`internal\`), beyond it (\`external\`), and whether across a border (\`crossBorder\`).

\`recordDigest\`, \`consentDigest\`, \`agreementDigest\`, \`agencyDigest\`, \`practitionerDigest\` and
\`sealedDigest\` are SHA-256 over the row that was written (\`src/domain/log/record-digest.ts\`): with them the
self-check finds a row that somebody altered in the database.
`

const NOTES = `
## Sign-ins, and how they are bounded

Every token that is given out is an event, and no token leaves without it: while nothing can be logged,
\`POST /oauth/token\` answers 503 \`temporarily_unavailable\` with \`Retry-After\`. Software that holds its token
for the five minutes that it lasts writes twelve an hour.

Who is turned away at the door (no token given, a proof used twice, a scope missing, a limit met) leaves
an event too; of a client that does not exist it repeats nothing that was sent. So that nobody can fill
the log, only the first ten of a kind (type, code, agency) in a minute are events of their own; the rest of
that minute is one \`signin.refusals_counted\` with their number, written once the minute is over or the
server stops. A process that is killed loses the count of its last minute, and no event.

## Not logged

A request that was wrong in itself (400, 409, 412, 422 and the like) and changed and showed nothing is no
event; a signature of a person that does not verify is (\`authority.refused\`). Listing notices and finding
none is no event. Expired tokens, proofs and idempotency keys are forgotten without one: they are no case
data.
`
