/** `ostiary audit search|show|prove|export|reindex`: the audit log for the operator of the server. */
import { once } from 'node:events'
import { type Command, Option } from 'commander'
import { loadConfig } from '../config.ts'
import { type AuditCriteria, CRITERIA } from '../domain/audit/criteria.ts'
import { LAWFUL_USES, type LawfulUse } from '../domain/audit/vocabulary.ts'
import { OstiaryError } from '../errors.ts'
import type { ExportFormat } from '../services/export-audit-log.ts'
import type { AuditEventSummary } from '../services/search-audit-log.ts'
import { withAuditLog } from '../wire/operator-audit.ts'
import { print } from './print.ts'

interface Reading extends AuditCriteria {
  readonly use: LawfulUse
  readonly json?: boolean
}

/** Adds the commands that read the audit log; all need the owner's rights, and all but `reindex` are events. */
export function addAuditCommands(audit: Command): void {
  const reading = (name: string, description: string): Command =>
    audit
      .command(name)
      .description(`${description} (owner rights)`)
      .addOption(
        new Option('--use <use>', 'for which lawful use (LED art. 25(2))')
          .choices(LAWFUL_USES)
          .makeOptionMandatory(),
      )
  withCriteria(reading('search', 'the newest events that have something in common'))
    .option('--limit <number>', 'most events', '50')
    .option('--json', 'print JSON')
    .action(search)
  reading('show', 'one event, both parts')
    .argument('<event>', 'its id')
    .option('--json', 'print JSON')
    .action(show)
  reading('prove', 'a proof that opens both parts of an event, for `log verify --receipt`')
    .argument('<event>', 'its id')
    .action(prove)
  withCriteria(reading('export', 'all events that have something in common, to standard output'))
    .addOption(new Option('--format <format>').choices(['jsonl', 'csv']).default('jsonl'))
    .action(exportAll)
  audit
    .command('reindex')
    .description(
      'fill the index by which the audit log is searched anew from the log (owner rights)',
    )
    .option('--json', 'print JSON')
    .action(reindex)
}

/** An option for each criterion of a search, as the API names them: `--subject-id`, `--released` … */
function withCriteria(command: Command): Command {
  for (const name of CRITERIA)
    command.option(`--${name.replace(/[A-Z]/g, (big) => `-${big.toLowerCase()}`)} <${name}>`)
  return command
}

const criteriaOf = (options: AuditCriteria): AuditCriteria =>
  Object.fromEntries(
    CRITERIA.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  )

async function search({ limit, ...options }: Reading & { readonly limit: string }): Promise<void> {
  const most = Number(limit)
  if (!Number.isInteger(most) || most < 1 || most > 10_000)
    throw new Error('--limit is a number from 1 to 10000')
  const events = await readable(() =>
    withAuditLog(loadConfig(), (log) => log.search(options.use, criteriaOf(options), most)),
  )
  print(options, { events }, events.length > 0 ? events.map(lineOf) : ['nothing was found'])
}

/** One event on one line: when, who, what, of whom, how it came out, why. */
function lineOf(event: AuditEventSummary): string {
  const { at, id, type, agencyId = 'server', role, subjectId, purpose, outcome, exception } = event
  const about = [
    ...(role ? [role] : []),
    ...(subjectId ? [`about ${subjectId}`] : []),
    ...(purpose ? [`for ${purpose}`] : []),
    ...(exception ? [`exception ${exception}`] : []),
    ...(outcome ? [outcome] : []),
    ...listed('released', event.released),
    ...listed('by', event.rules),
    ...listed('because', event.reasons),
  ]
  return `${at} ${id} ${type} ${agencyId} ${about.join(' ')}`.trimEnd()
}

const listed = (word: string, names: readonly string[]): string[] =>
  names.length > 0 ? [`${word} ${names.join(',')}`] : []

async function show(id: string, options: Reading): Promise<void> {
  const event = await withAuditLog(loadConfig(), (log) => log.show(options.use, idOf(id)))
  if (!event) throw new Error('there is no event of that id')
  print(options, event, [JSON.stringify(event, null, 2)])
}

async function prove(id: string, { use }: Reading): Promise<void> {
  const proof = await withAuditLog(loadConfig(), (log) => log.prove(use, idOf(id)))
  if (!proof) throw new Error('there is no event of that id, or it is not published yet')
  process.stdout.write(`${JSON.stringify(proof, null, 2)}\n`)
}

async function exportAll({
  format,
  ...options
}: Reading & { readonly format: ExportFormat }): Promise<void> {
  await withAuditLog(loadConfig(), async (log) => {
    const pieces = await readable(() => log.export(options.use, criteriaOf(options), format))
    try {
      for (let piece = await pieces.next(); piece !== undefined; piece = await pieces.next())
        if (!process.stdout.write(piece)) await once(process.stdout, 'drain')
    } finally {
      await pieces.stop()
    }
  })
}

async function reindex(options: { readonly json?: boolean }): Promise<void> {
  const events = await withAuditLog(loadConfig(), (log) => log.reindex())
  print(options, { events }, [`${events} events are in the index`])
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function idOf(text: string): string {
  if (!ID.test(text)) throw new Error('an event is named by its id, a UUID in lower case')
  return text
}

/** What was wrong with the criteria, in words. */
async function readable<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof OstiaryError)) throw error
    const [fault] = error.errors ?? []
    throw new Error(
      fault ? `${fault.pointer.slice('#/query/'.length)} ${fault.detail}` : error.code,
    )
  }
}
