import { open } from 'node:fs/promises'
import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import type { Retirement } from '../services/retire-audit-months.ts'
import { withErasure } from '../wire/erasure.ts'
import { print } from './print.ts'

/** Adds `audit retire`. */
export function addRetireCommand(audit: Command): void {
  audit
    .command('retire')
    .description(
      'drop whole months of audit events; the log stays whole (owner rights; not undone)',
    )
    .requiredOption('--before <YYYY-MM>', 'the first month that stays')
    .option('--archive <file>', 'write the events with their salts to this new file first')
    .option('--json', 'print JSON')
    .action(retireAudit)
}

interface RetireOptions {
  readonly before: string
  readonly archive?: string
  readonly json?: boolean
}

/** `ostiary audit retire`: exit code 2 when a month was kept because something of it is not over. */
async function retireAudit({ before, archive: path, ...options }: RetireOptions): Promise<void> {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(before)) throw new Error('--before is a month: YYYY-MM')
  const config = loadConfig()
  // Never over another file, and for nobody else to read: with the salts it opens the log.
  const file = path === undefined ? undefined : await open(path, 'wx', 0o600)
  try {
    const archive = file && {
      write: async (lines: string) => void (await file.appendFile(lines)),
      flush: () => file.datasync(),
    }
    const done = await withErasure(config, ({ retire }) => retire(before, archive))
    print(options, { months: done }, done.length > 0 ? done.map(wordsFor) : ['nothing to retire'])
    if (done.some(({ state }) => state === 'kept')) process.exitCode = 2
  } finally {
    await file?.close()
  }
}

function wordsFor(done: Retirement): string {
  if (done.state === 'retired')
    return `${done.month}: ${done.events} events retired (event ${done.eventId})`
  const { unsequenced, reviews, duties, verifications } = done.unfinished
  return `${done.month}: kept: ${unsequenced} events not in the log yet, ${reviews} open reviews, ${duties} open duties, ${verifications} open verifications`
}
