/**
 * The tamper campaign (S29): somebody with all rights on the database changes whatever they like, and
 * each change is found by the self-check, or from outside by whoever kept a checkpoint. What is not
 * found is listed here, with the reason.
 */
import { sql } from 'kysely'
import t from 'tap'
import { findingKey } from '../../src/domain/integrity/finding.ts'
import { ED25519, formatVkey, verifierKey } from '../../src/domain/log/vkey.ts'
import { makeLogKeys } from '../../src/services/log-keys.ts'
import { makeServeLog } from '../../src/services/serve-log.ts'
import type { Tx } from '../../src/storage/database.ts'
import * as log from '../../src/storage/log.ts'
import * as logKeys from '../../src/storage/log-keys.ts'
import { openSigned, readWholeLog, rootsOf } from '../support/independent-verifier.ts'
import { startCheckedWorld } from './checked-world.ts'
import {
  auditedTables,
  columnMutations,
  type Dice,
  type Mutation,
  rowMutations,
} from './mutations.ts'
import { stolen } from './republish.ts'
import { liveShortly } from './story.ts'
import { wholeMutations } from './whole-mutations.ts'

/** How many changes are made; `OSTIARY_TEST_TAMPER` for more. */
const MUTATIONS = Number(process.env['OSTIARY_TEST_TAMPER'] ?? 520)
const SEED = Number(process.env['OSTIARY_TEST_SEED'] ?? 20261116)

/** Columns whose change nobody finds, each with the reason why that may stay so. */
const NOT_FOUND: Readonly<Record<string, string>> = {
  'agreement.created_at': 'read by nobody; when it was recorded, the event says',
  'agreement.termination_reason': 'words for the parties, by which nothing is decided',
  'agreement.version': 'counts changes for If-Match',
  'consent.created_at': 'read by nobody; when it was recorded, the event says',
  'audit_retired.retired_at': 'read by nobody; when it was, the event says',
  'log_cosignature.stored_at': 'read by nobody; when the witness signed, its signature says',
  'delete log_cosignature':
    'a missing cosignature is missed by whoever demands a quorum of witnesses',
  'log_publication.gated':
    'chooses among signed checkpoints; a smaller one than before is seen from outside',
  'log_publication.size': 'as log_publication.gated',
  'log_publication.missing_since': 'since when the alarm stands; set again by the next tick',
  'delete log_publication': 'as log_publication.gated',
  'review_task.id': 'of an open task: a random name that no event has used yet',
  'review_task.created_at': 'read by nobody',
  'log_key.from_time': 'told beside the size at which a key begins, which is what counts',
}

t.setTimeout(900_000)
const node = await startCheckedWorld()
t.teardown(() => node.stop())
await liveShortly(node)
const keys = makeLogKeys({
  db: node.worker,
  storage: logKeys,
  open: (secret, context) => node.keyRing.openSecret(secret, context),
})
const signing = await node.worker.transaction().execute((tx) => keys.forTick(tx))
stolen.key = signing.keys[0]!
const vkeys = signing.keys.map((key) => formatVkey(verifierKey(key, ED25519)))

/** Checkpoints that somebody outside has kept. */
const kept = (
  await sql<{ note: string }>`select note from log_checkpoint order by size`.execute(node.owner)
).rows.map(({ note }) => openSigned(note, vkeys))

/** Whether whoever kept a checkpoint sees from outside that something is wrong. */
async function seenFromOutside(tx: Tx): Promise<boolean> {
  const serve = makeServeLog({ db: tx, storage: log })
  try {
    const { size, entries } = await readWholeLog(async (path) => {
      if (path !== 'checkpoint') return serve.resource(path)
      const note = await serve.checkpoint()
      return note === undefined ? undefined : Buffer.from(note)
    }, vkeys)
    const rootAt = rootsOf(entries)
    return kept.some((tree) => tree.size > size || !rootAt(tree.size).equals(tree.root))
  } catch {
    return true
  }
}

class Undo extends Error {}

interface Outcome {
  /** `not_made`: the schema forbids it, or there is nothing to change. */
  readonly by: 'self-check' | 'outside' | 'nobody' | 'not_made'
  readonly kinds: readonly string[]
}

/** Makes one change, looks for it, and undoes it. */
async function attempt(mutation: Mutation, dice: Dice): Promise<Outcome> {
  const outcome: { is: Outcome } = { is: { by: 'not_made', kinds: [] } }
  await node.owner
    .transaction()
    .execute(async (tx) => {
      await sql`set local session_replication_role = replica`.execute(tx)
      const made = await mutation.apply(tx, dice).catch((error: unknown) => {
        if (/^(22|23|42)/.test(String((error as { code?: unknown }).code))) return false
        throw error
      })
      if (made) {
        const findings = await node.check(tx)
        const kinds = [...new Set(findings.map(({ kind, table }) => `${kind} ${table}`))]
        const by =
          findings.length > 0 ? 'self-check' : (await seenFromOutside(tx)) ? 'outside' : 'nobody'
        outcome.is = { by, kinds }
      }
      throw new Undo()
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undo)) throw error
    })
  return outcome.is
}

t.test('an honest database, and one after the campaign', { timeout: 60_000 }, async (t) => {
  const findings = await node.worker.transaction().execute((tx) => node.check(tx))
  t.same(findings.map(findingKey), [], 'nothing is found where nothing was changed')
  t.notOk(await node.worker.transaction().execute(seenFromOutside))
})

t.test(`${MUTATIONS} changes`, { timeout: 900_000 }, async (t) => {
  const dice = diceOf(SEED)
  const { tables, columns } = await node.owner.transaction().execute(async (tx) => {
    const tables = await auditedTables(tx)
    return { tables, columns: await columnMutations(tx, tables) }
  })
  const all = [...columns, ...rowMutations(tables), ...wholeMutations(), ...wholeMutations()]
  const begun = Date.now()
  const found = new Map<Outcome['by'], number>()
  const byKind = new Map<string, number>()
  const missed = new Map<string, number>()
  let made = 0
  // Every kind of change at least once, then by chance.
  for (let i = 0; made < MUTATIONS || i < all.length; i++) {
    const mutation = i < all.length ? all[i]! : all[Math.floor(dice() * all.length)]!
    const { by, kinds } = await attempt(mutation, dice)
    found.set(by, (found.get(by) ?? 0) + 1)
    if (by === 'not_made') continue
    made += 1
    for (const kind of kinds) byKind.set(kind, (byKind.get(kind) ?? 0) + 1)
    if (by === 'nobody') missed.set(mutation.name, (missed.get(mutation.name) ?? 0) + 1)
  }
  t.comment(`seed ${SEED}; ${made} changes made in ${Math.round((Date.now() - begun) / 1000)} s:`)
  for (const [by, count] of found) t.comment(`  ${by}: ${count}`)
  for (const [kind, count] of [...byKind].sort()) t.comment(`  found as ${kind}: ${count}`)
  for (const [name, count] of [...missed].sort())
    t.comment(`  NOT FOUND ${name}: ${count} (${NOT_FOUND[columnOf(name)] ?? '?'})`)
  t.ok(made >= MUTATIONS)
  t.same(
    [...missed.keys()].filter((name) => !(columnOf(name) in NOT_FOUND)),
    [],
    'nothing else is missed',
  )
})

/** `change table.column` without the verb. */
const columnOf = (name: string): string => name.replace(/^(change|null|swap) /, '')

function diceOf(seed: number): Dice {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 4294967296
  }
}
