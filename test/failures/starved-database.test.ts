/**
 * A database that cannot be written: disk full, write-ahead log that cannot be written, read-only,
 * demoted to a standby. The server keeps running, releases nothing, says so, and goes on by itself when
 * the database does. What it had answered is in the log, and the log is one.
 */
import { execFile } from 'node:child_process'
import { mkdir, open, rm, writeFile, chown, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { faults, isAnswered, judgeLog, missing, rowsOf, settleCase } from '../crash/judge.ts'
import { type Attempt, type Load, startLoad } from '../crash/load.ts'
import { startProgram } from '../crash/program.ts'
import { makeTestFolder, removeTestFolder } from '../support/cluster.ts'

/** Longest wait for anything, in milliseconds. */
const PATIENCE = 60_000
/** For which it stays broken once that shows. */
const BROKEN = 2500

const run = promisify(execFile)

t.setTimeout(400_000)
const folder = await makeTestFolder()
const data = join(folder, 'data')
await mkdir(data, { mode: 0o755 })
/** A disk of its own, if this account may mount one. */
const disk = await run('mount', ['-t', 'tmpfs', '-o', 'size=400m,mode=0755', 'ostiary-test', data])
  .then(() => true)
  .catch(() => false)

/** What the server said at level error and above. */
const alarms: { task?: string; code?: string; errorCode?: string; msg: string }[] = []
const program = await startProgram(data, {
  environment: { OSTIARY_LOG_LEVEL: 'error' },
  onLine: (line) => void alarms.push(JSON.parse(line) as (typeof alarms)[number]),
})
t.teardown(async () => {
  await program.end()
  if (disk) await run('umount', ['--lazy', data])
  await removeTestFolder(folder)
})
const { origin } = program
const vkey = (await (await fetch(`${origin}/log/vkey`)).text()).trim()
const at = await settleCase(program, () =>
  program.command('admin', 'create', '--name', 'Ostiary Lakeside'),
)
const seen: { attempts: Attempt[]; checkpoints: string[] } = { attempts: [], checkpoints: [] }

/** Breaks the database under load, looks at what clients are told, mends it, and judges what is there. */
async function brokenUnderLoad(
  t: Test,
  how: { readonly breakIt: () => Promise<unknown>; readonly mend: () => Promise<unknown> },
): Promise<void> {
  const load = startLoad(origin, at)
  try {
    await until(() => answered(load) >= 20, 'nobody is answered')
    alarms.length = 0
    await how.breakIt()
    await until(() => count(load, '503 audit_unavailable') > 0, 'nobody is refused')
    await sleep(BROKEN)
    const atWorst = answered(load)
    await sleep(500)
    t.equal(answered(load), atWorst, 'while it is broken nothing is released')
    t.ok(
      alarms.some(({ task }) => task === 'sequence_log'),
      'that the log cannot be published is an alarm',
    )
    t.ok(
      alarms.some(({ code }) => code === 'audit_unavailable'),
      'and every refused request',
    )
    await how.mend()
    const mended = performance.now()
    await until(() => answered(load) > atWorst + 20, 'nobody is answered again')
    t.comment(`answers again ${Math.round(performance.now() - mended)} ms after it was mended`)
  } finally {
    await load.stop()
  }
  const refusals = [...load.refusals.keys()]
  t.same(
    refusals.filter((what) => !what.startsWith('503 ')),
    [],
    'no other answer than 503',
  )
  t.comment(JSON.stringify(Object.fromEntries(load.refusals)))
  t.same(await missing(program, load.attempts.filter(isAnswered)), [], 'what was answered is there')
  t.same(await faults(program), [], 'decisions, events and entries belong together')
  seen.attempts.push(...load.attempts)
  seen.checkpoints.push(...load.checkpoints)
}

await t.test(
  'disk full',
  { skip: disk ? false : 'this account may not mount a disk' },
  async (t) => {
    const ballast = join(data, 'ballast')
    await brokenUnderLoad(t, {
      breakIt: () => fill(ballast),
      async mend() {
        await rm(ballast)
        // Where it hit the write-ahead log, the database had to give up: its keeper starts it again.
        await program.reviveDatabase()
      },
    })
  },
)

await t.test('no write of the write-ahead log gets through', async (t) => {
  await brokenUnderLoad(t, {
    async breakIt() {
      // The processes that work now, and those that they start: no file may be written beyond this.
      const pids = await rowsOf<{ pid: number }>(
        program,
        'select pid from pg_stat_activity where pid <> pg_backend_pid()',
      )
      for (const pid of [await program.postmaster(), ...pids.map((row) => row.pid)])
        await run('prlimit', ['--pid', String(pid), '--fsize=4096:4096']).catch(() => {})
    },
    // Recovery needs to write as well, so it is over with the postmaster; its keeper starts it again.
    async mend() {
      await program.killDatabase().catch(() => {})
      await program.reviveDatabase()
    },
  })
})

await t.test('read-only', async (t) => {
  const set = async (on: boolean) => {
    await rowsOf(program, `alter system set default_transaction_read_only = ${on ? 'on' : 'off'}`)
    await rowsOf(program, 'select pg_reload_conf()')
  }
  await brokenUnderLoad(t, {
    breakIt: () => set(true),
    async mend() {
      t.equal(
        (await fetch(`${origin}/health/ready`)).status,
        503,
        'and it says that it is not ready',
      )
      await set(false)
    },
  })
  t.equal((await fetch(`${origin}/health/ready`)).status, 200)
})

await t.test('demoted to a standby, and promoted again', async (t) => {
  await brokenUnderLoad(t, {
    async breakIt() {
      const { uid, gid } = await stat(program.clusterDirectory)
      const signal = join(program.clusterDirectory, 'standby.signal')
      await writeFile(signal, '')
      await chown(signal, uid, gid)
      process.kill(await program.postmaster(), 'SIGINT')
      await until(
        async () =>
          !(await stat(join(program.clusterDirectory, 'postmaster.pid')).catch(() => undefined)),
        'it does not stop',
      )
      await program.reviveDatabase()
      const [row] = await rowsOf<{ standby: boolean }>(
        program,
        'select pg_is_in_recovery() as standby',
      )
      t.ok(row?.standby, 'it is a standby')
    },
    mend: () => rowsOf(program, 'select pg_promote()'),
  })
})

await t.test('the log holds every answer and never forked', (t) =>
  judgeLog(t, { origin, vkey }, seen),
)

function answered({ attempts }: Load): number {
  return attempts.filter(isAnswered).length
}

function count({ refusals }: Load, what: string): number {
  return refusals.get(what) ?? 0
}

async function until(isSo: () => boolean | Promise<boolean>, complaint: string): Promise<void> {
  const end = performance.now() + PATIENCE
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(complaint)
    await sleep(10)
  }
}

/** Takes what is left of the disk, to the last page. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    for (let size = 1 << 20; size >= 4096; size >>= 2)
      for (;;) {
        const { bytesWritten } = await file
          .write(Buffer.alloc(size))
          .catch(() => ({ bytesWritten: 0 }))
        if (bytesWritten < size) break
      }
  } finally {
    await file.close()
  }
}
