// Exports of any length: from a server in a process of its own, whose memory does not grow with them.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { settleCase } from '../crash/judge.ts'
import { startProgram } from '../crash/program.ts'
import { makeTestFolder, removeTestFolder } from '../support/cluster.ts'
import type { Agency } from '../support/world.ts'

// Two hundred thousand events through one stream, on a machine that others use as well.
t.setTimeout(300_000)
const ROWS = 200_000
const folder = await makeTestFolder()
const program = await startProgram(join(folder, 'data'), {
  // With less room for garbage than the whole export would need for itself, so that the collector does not put its work off.
  environment: { OSTIARY_LOG_TICK: '1000', NODE_OPTIONS: '--max-old-space-size=256' },
})
t.teardown(async () => {
  await program.end()
  await removeTestFolder(folder)
})
const { agencies } = await settleCase(program, () =>
  program.command('admin', 'create', '--name', 'Ostiary Lakeside'),
)
const { support } = agencies
const owner = new pg.Client(program.databaseUrl)
await owner.connect()
t.teardown(() => owner.end())

/** Events of long ago, as many as a busy service has in years. Some hold what a spreadsheet would carry out. */
await owner.query(
  `insert into audit_view
   select $1, '2020-01-01'::timestamptz + n * interval '1 minute', gen_random_uuid(), 'actor', 0, 'disclose.decided', $1,
     gen_random_uuid(), 'vss_advocate', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'safety_urgent',
     'full', null, array['programme_engagement.dropout_at', 'programme_engagement.status'], array['programme_engagement.status'],
     array[case when n % 1000 = 0 then '=cmd|''/c calc''!A1' else 'F9' end], '{}', '{}', '{}'
   from generate_series(1, $2::integer) n`,
  [support.id, ROWS],
)

const begin = (agency: Agency, query: string): Promise<Response> =>
  agency.client.begin('GET', `/v1/audit/export?lawfulUse=self_monitoring&${query}`, {
    practitioner: { id: agency.people.get('dpo')?.id ?? '', role: 'dpo' },
  })

/** Highest and present memory of the server, in MiB. */
async function memory(): Promise<{ peak: number; now: number }> {
  const status = await readFile(`/proc/${program.processId()}/status`, 'utf8')
  const read = (name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024
  return { peak: read('VmHWM'), now: read('VmRSS') }
}

/** Reads to the end; gives bytes, lines, and the server's memory at every tenth of what was expected. */
async function drain(answer: Response, expected = ROWS) {
  let [bytes, lines] = [0, 0]
  const peaks: number[] = []
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    for (const byte of chunk) if (byte === 0x0a) lines += 1
    if (lines >= ((peaks.length + 1) * expected) / 10) peaks.push((await memory()).peak)
  }
  return { bytes, lines, peaks }
}

const ends = async () => {
  const { rows } = await owner.query<{ part: { stage: string; count: number } }>(
    `select public_part::jsonb as part from audit_event
     where type = 'consult.log_exported' and public_part::jsonb ->> 'stage' <> 'begun' order by at desc, id`,
  )
  return rows.map(({ part }) => part)
}

t.test('the length of an export does not show in the memory of the server', async (t) => {
  // What the program needs for the way at all, it has after a short one.
  const short = await drain(await begin(support, 'format=csv&to=2020-01-15T00:00:00Z'))
  t.ok(short.lines > 20_000)
  const before = await memory()
  const answer = await begin(support, 'format=csv&to=2026-01-01T00:00:00Z')
  t.equal(answer.status, 200)
  const whole = await drain(answer)
  const after = await memory()
  t.equal(whole.lines, ROWS + 1, 'all of them, and the names of the columns')
  t.comment(
    `${Math.round(whole.bytes / 2 ** 20)} MiB written; ${whole.peaks.map(Math.round).join(' ')}; peak ${Math.round(before.peak)} MiB after the first tenth, ${Math.round(after.peak)} MiB after all`,
  )
  t.ok(after.peak < before.peak * 1.35, 'ten times as long, hardly more memory')
  t.match(await ends(), [{ stage: 'completed', count: ROWS }])
})

t.test('whoever does not read on, holds the server up in nothing', async (t) => {
  const before = await memory()
  const answer = await begin(support, 'format=jsonl&to=2026-01-01T00:00:00Z')
  const reader = answer.body!.getReader()
  await reader.read()
  await sleep(2_000)
  const held = await memory()
  t.ok(held.now < before.now + 100, 'nothing piles up')
  const { rows } = await owner.query(
    `select from pg_stat_activity where application_name like 'ostiary%' and state like 'idle in transaction%'`,
  )
  t.equal(rows.length, 0, 'and no transaction waits')
  // Going away is an end as well.
  await reader.cancel()
  const until = performance.now() + 20_000
  let last = (await ends())[0]
  while (last?.stage !== 'aborted' && performance.now() < until) {
    await sleep(50)
    last = (await ends())[0]
  }
  t.equal(last?.stage, 'aborted')
  t.ok((last?.count ?? ROWS) < ROWS, `after ${last?.count} events`)
})

t.test('no cell is a formula to a spreadsheet', async (t) => {
  const answer = await begin(support, 'format=csv&to=2020-01-15T00:00:00Z')
  const lines = (await answer.text()).split('\r\n')
  const hostile = lines.filter((line) => line.includes('calc'))
  t.ok(hostile.length > 10)
  for (const line of lines.slice(0, -1)) {
    const cells = line.match(/"(?:[^"]|"")*"/g) ?? []
    if (cells.join(',') !== line) t.fail('a line that is not all cells')
    if (cells.some((cell) => /^"[=+\-@\t\r]/.test(cell))) t.fail(`a formula: ${line}`)
  }
  t.match(hostile[0], `"'=cmd|'/c calc'!A1"`)
})
