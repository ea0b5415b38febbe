/** Changes of several rows at once, by somebody who knows what belongs together; and of the log as a whole. */
import { randomBytes, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Tx } from '../../src/storage/database.ts'
import { type Dice, type Mutation, run } from './mutations.ts'
import { republish, type Rewritten } from './republish.ts'

/** A logged event by chance. */
async function someEvent(tx: Tx, dice: Dice, where = 'true'): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select p.event_id as id from log_position p join audit_event e on e.id = p.event_id
    where ${sql.raw(where)} order by md5(${String(dice())} || p.event_id) limit 1`.execute(tx)
  return rows[0]?.id
}

/** Everything that is told by one event goes with it: what somebody would do who knows the tables. */
async function vanish(tx: Tx, eventId: string, tables: readonly string[]): Promise<boolean> {
  const statements: Readonly<Record<string, string>> = {
    ledger: `delete from release_ledger where disclosure_id in (select id from disclosure where event_id = '${eventId}')`,
    tasks: `delete from review_task where disclosure_id in (select id from disclosure where event_id = '${eventId}')`,
    disclosure: `delete from disclosure where event_id = '${eventId}'`,
    salt: `delete from audit_salt where event_id = '${eventId}'`,
    position: `delete from log_position where event_id = '${eventId}'`,
    event: `delete from audit_event where id = '${eventId}'`,
  }
  for (const table of tables) await run(tx, statements[table] ?? '')
  return true
}

const ofEvent = (
  name: string,
  work: (tx: Tx, eventId: string, dice: Dice) => Promise<boolean>,
  where?: string,
): Mutation => ({
  name,
  async apply(tx, dice) {
    const id = await someEvent(tx, dice, where)
    return id === undefined ? false : work(tx, id, dice)
  },
})

const ofLog = (name: string, change: (log: Rewritten, dice: Dice) => void): Mutation => ({
  name,
  apply: (tx, dice) => republish(tx, (log) => change(log, dice)),
})

const some = (dice: Dice, count: number): number => Math.floor(dice() * count)

/** Changes of several rows at once, by somebody who knows what belongs together. */
export function wholeMutations(): Mutation[] {
  const forger = { name: 'forger', seed: new Uint8Array(randomBytes(32)) }
  return [
    ofEvent('event, salt and position gone', (tx, id) =>
      vanish(tx, id, ['salt', 'position', 'event']),
    ),
    ofEvent('position gone', (tx, id) => vanish(tx, id, ['position'])),
    ofEvent('event and salt gone', (tx, id) => vanish(tx, id, ['salt', 'event'])),
    ofEvent(
      'a decision gone without a trace',
      (tx, id) => vanish(tx, id, ['ledger', 'tasks', 'disclosure', 'salt', 'position', 'event']),
      `e.type = 'disclose.decided'`,
    ),
    ofEvent('event put back to wait', async (tx, id) => {
      await sql`insert into log_pending (event_id, entry)
        select ${id}::uuid, substring(b.bytes from (3 + 66 * (p.leaf_index % 256))::integer for 64)
        from log_position p join log_bundle b on b.bundle_index = p.leaf_index / 256 where p.event_id = ${id}`.execute(
        tx,
      )
      return vanish(tx, id, ['position'])
    }),
    {
      name: 'two positions changed for each other',
      async apply(tx, dice) {
        const a = await someEvent(tx, dice)
        const b = await someEvent(tx, dice, `e.id <> '${a}'`)
        if (!a || !b) return false
        await sql`create temp table places on commit drop as select event_id, leaf_index from log_position
          where event_id in (${a}, ${b})`.execute(tx)
        await run(tx, `delete from log_position where event_id in ('${a}', '${b}')`)
        return run(
          tx,
          `insert into log_position select case event_id when '${a}'::uuid then '${b}'::uuid else '${a}'::uuid end, leaf_index from places`,
        )
      },
    },
    {
      name: 'an event moved to a leaf of padding',
      async apply(tx, dice) {
        const id = await someEvent(tx, dice)
        return run(
          tx,
          `update log_position set leaf_index = (select n from generate_series(0, (select max(size) - 1 from log_checkpoint)) n
            where not exists (select from log_position p where p.leaf_index = n) order by n limit 1) where event_id = '${id}'`,
        )
      },
    },
    {
      name: 'an invented event at a leaf of padding',
      async apply(tx) {
        const id = randomUUID()
        await sql`insert into audit_event select ${id}::uuid, at, type, agency_id, practitioner_id, case_id, subject_id,
            request_id, replace(public_part, id::text, ${id}), replace(private_part, id::text, ${id})
          from audit_event limit 1`.execute(tx)
        await sql`insert into audit_salt values (${id}, ${randomBytes(32)}, ${randomBytes(32)})`.execute(
          tx,
        )
        return run(
          tx,
          `insert into log_position select '${id}', n from generate_series(0, (select max(size) - 1 from log_checkpoint)) n
            where not exists (select from log_position p where p.leaf_index = n) order by n limit 1`,
        )
      },
    },
    {
      name: 'an invented event that waits, with its entry',
      async apply(tx) {
        const id = randomUUID()
        await sql`insert into audit_event select ${id}::uuid, at, type, agency_id, practitioner_id, case_id, subject_id,
            request_id, replace(public_part, id::text, ${id}), replace(private_part, id::text, ${id})
          from audit_event limit 1`.execute(tx)
        await sql`insert into audit_salt values (${id}, ${randomBytes(32)}, ${randomBytes(32)})`.execute(
          tx,
        )
        await sql`insert into log_pending (event_id, entry) values (${id}, ${randomBytes(64)})`.execute(
          tx,
        )
        return true
      },
    },
    {
      name: 'a whole tick of events gone',
      async apply(tx, dice) {
        const { rows } = await sql<{ size: string; previous: string }>`
          select size, coalesce(previous, 0) as previous from log_checkpoint c
          where exists (select from log_position p where p.leaf_index >= coalesce(c.previous, 0) and p.leaf_index < c.size)
          order by md5(${String(dice())} || size) limit 1`.execute(tx)
        const [tick] = rows
        if (!tick) return false
        const gone = `(select event_id from log_position where leaf_index >= ${tick.previous} and leaf_index < ${tick.size})`
        await run(tx, `delete from audit_event where id in ${gone}`)
        await run(tx, `delete from audit_salt where event_id in ${gone}`)
        return run(
          tx,
          `delete from log_position where leaf_index >= ${tick.previous} and leaf_index < ${tick.size}`,
        )
      },
    },
    {
      name: 'two ticks made one',
      async apply(tx, dice) {
        const { rows } = await sql<{ size: string }>`
          select previous as size from log_checkpoint where previous is not null
          order by md5(${String(dice())} || size) limit 1`.execute(tx)
        const size = rows[0]?.size
        if (size === undefined) return false
        await run(
          tx,
          `create temp table kept on commit drop as select * from log_checkpoint where size = ${size}`,
        )
        await run(tx, `delete from log_checkpoint where size = ${size}`)
        return run(
          tx,
          `update log_checkpoint set previous = (select previous from kept) where previous = ${size}`,
        )
      },
    },
    {
      name: 'where anchors begin moved behind everything',
      apply: (tx) =>
        run(tx, `update log_anchor_start set size = (select max(size) from log_checkpoint)`),
    },
    {
      name: 'where anchors begin taken away',
      apply: (tx) => run(tx, `delete from log_anchor_start`),
    },
    ofLog('an entry changed, tiles and bundles replaced to fit', ({ entries }, dice) => {
      entries[some(dice, entries.length)] = randomBytes(64)
    }),
    ofLog('an entry changed, all of it and signed with another key', (log, dice) => {
      log.entries[some(dice, log.entries.length)] = randomBytes(64)
      log.signWith = forger
    }),
    ofLog('an entry changed, all of it and signed with the log’s own key', (log, dice) => {
      log.entries[some(dice, log.entries.length)] = randomBytes(64)
      log.signWith = 'own'
    }),
    ofLog('an entry left out, all of it and signed with the log’s own key', (log, dice) => {
      log.entries.splice(some(dice, log.entries.length), 1)
      log.entries.push(randomBytes(64))
      log.signWith = 'own'
    }),
    ofLog(
      'two entries in another order, tiles and bundles replaced to fit',
      ({ entries }, dice) => {
        const [a, b] = [some(dice, entries.length), some(dice, entries.length - 1)]
        const other = b >= a ? b + 1 : b
        ;[entries[a], entries[other]] = [entries[other]!, entries[a]!]
      },
    ),
    ofLog('the newest tick cut off, rows and all', (log) => {
      log.ticks.pop()
    }),
    ofLog('the log rolled back by several ticks, rows and all', (log, dice) => {
      log.ticks.splice(Math.max(1, log.ticks.length - 2 - some(dice, 10)))
    }),
    ofLog('the log begun anew, rows and all', (log) => {
      log.ticks.splice(0)
    }),
    ofLog('the newest tick cut off and written again with other padding', (log) => {
      log.entries[log.entries.length - 1] = randomBytes(64)
      log.signWith = 'own'
      log.onlyLast = true
    }),
  ]
}
