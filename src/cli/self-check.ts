import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { FINDING_KINDS, type Finding, type FindingKind } from '../domain/integrity/finding.ts'
import { withAdministration } from '../wire/administration.ts'
import type { WiredIntegrity } from '../wire/integrity.ts'
import { failureText } from './failure.ts'
import { print } from './print.ts'

interface Options {
  readonly json?: boolean
}

/** Findings that are printed one by one. */
const MOST_LINES = 200

/** Adds `ostiary log self-check`, `incidents` and `close-incident`. */
export function addSelfCheckCommands(log: Command): void {
  const json = ['--json', 'print JSON'] as const
  log
    .command('self-check')
    .description(
      'hold every row against the log, now; exit code 0 nothing found, 1 incidents, 2 not checked (owner rights)',
    )
    .option(...json)
    .action(selfCheck)
  log
    .command('incidents')
    .description('integrity incidents that are open (owner rights)')
    .option(...json)
    .action(listIncidents)
  log
    .command('close-incident')
    .description('end an integrity incident, once its cause is known (owner rights)')
    .argument('<incident>', 'its id')
    .requiredOption('--reason <text>', 'what it was and what was done; no personal data')
    .option(...json)
    .action(closeIncident)
}

async function selfCheck(options: Options): Promise<void> {
  try {
    const { findings, counts } = await withIntegrity((integrity) => integrity.cycle())
    const found = counts['findings'] ?? 0
    print(options, { ok: found === 0, findings, counts }, [
      ...findings.slice(0, MOST_LINES).map(lineOf),
      ...(found > MOST_LINES ? [`… and ${found - MOST_LINES} more`] : []),
      found === 0
        ? `nothing found: ${looked(counts)}`
        : `${found} ${found === 1 ? 'finding' : 'findings'}: ${looked(counts)}. What each means and what to do: docs/integrity.md`,
    ])
    process.exitCode = found === 0 ? 0 : 1
  } catch (error) {
    process.stderr.write(`the self-check could not be made: ${failureText(error)}\n`)
    process.exitCode = 2
  }
}

const lineOf = ({ kind, table, row, eventId }: Finding): string =>
  `${FINDING_KINDS[kind]}: ${table} ${row}${eventId && eventId !== row ? `, event ${eventId}` : ''} (${kind})`

const looked = (counts: Readonly<Record<string, number>>): string =>
  `${counts['entries'] ?? 0} entries in ${counts['ticks'] ?? 0} ticks, ${counts['loggedEvents'] ?? 0} events looked at`

async function listIncidents(options: Options): Promise<void> {
  const incidents = await withIntegrity((integrity) => integrity.listOpen(MOST_LINES))
  const lines = incidents.map(
    ({ id, kind, table, row, foundAt }) =>
      `${id}  ${foundAt.toISOString()}  ${FINDING_KINDS[kind as FindingKind] ?? kind}: ${table} ${row}`,
  )
  print(options, { incidents }, lines.length > 0 ? lines : ['no incident is open'])
}

async function closeIncident(
  id: string,
  { reason, ...options }: Options & { readonly reason: string },
): Promise<void> {
  await withIntegrity((integrity) => integrity.close(id, reason))
  print(options, { closed: id }, [`closed ${id}; the event of that is in the log`])
}

const withIntegrity = <Result>(work: (integrity: WiredIntegrity) => Promise<Result>) =>
  withAdministration(loadConfig(), (administration) => administration.withIntegrity(work))
