/**
 * No value leaves by any way but a release: canaries in every text, date and number that the server
 * takes, and then a search of everything that it wrote, answered and kept. (Closed codes recur
 * everywhere; for them the log has its list of keys.)
 */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { pino } from 'pino'
import t from 'tap'
import { loadCrypto } from '../../src/crypto/sodium.ts'
import { LOG_KEYS, loggerOptions } from '../../src/http/logging.ts'
import type { DecisionRow } from '../../src/storage/decisions.ts'
import { openKeyRing } from '../../src/vault/key-ring.ts'
import { openVault } from '../../src/vault/vault.ts'
import type { Canary } from '../support/canaries.ts'
import { realCatalogue } from '../support/catalogue.ts'
import { startWorld } from '../support/world.ts'
import { freePort } from '../support/free-port.ts'
import { live } from './life.ts'
import {
  databaseServer,
  dumpTables,
  memory,
  type Places,
  standardError,
  walPosition,
  writeAheadLog,
} from './places.ts'
import { find, makeSecrets } from './secrets.ts'
import type { Told } from './told.ts'

/** Where words are kept that are no values: with what they are about, and some with what a recipient was shown. */
const WITH_RECORD = ['record_version']
const SHOWN = [...WITH_RECORD, 'disclosure', 'audit_event']
const KEEPS_WORDS: Readonly<Record<string, readonly string[]>> = {
  'agency name': ['agency'],
  'agreement title': ['agreement'],
  documentRef: ['agreement'],
  signatory: ['agreement', 'agreement_acceptance'],
  'agreement scope': ['agreement'],
  'agreement terms': ['agreement'],
  'reason of termination': ['agreement'],
  noticeVersion: ['consent'],
  evidenceRef: ['consent'],
  capacityCheckedBy: ['consent'],
  interpreterId: ['consent'],
  verifiedBy: WITH_RECORD,
  method: SHOWN,
  reliability: SHOWN,
  condition: SHOWN,
}

/** A duty is due some time after the event that set it off, and clocks can go by nothing that is sealed. */
const RECKONED = ['table duty: programme_engagement.dropout_at']

const catalogue = realCatalogue()
const log = memory()
const stderr = standardError()
const metricsPort = await freePort()
const logger = pino(loggerOptions('trace'), log.stream)
const keyEncryptionKey = randomBytes(32)
const world = await startWorld({
  logger,
  environment: {
    OSTIARY_METRICS_PORT: String(metricsPort),
    OSTIARY_FAILURE_LIMIT: '0',
    OSTIARY_KEY_ENCRYPTION_KEY: keyEncryptionKey.toString('base64'),
  },
})
const db = new pg.Client({ connectionString: world.databaseUrl })
await db.connect()
t.teardown(async () => {
  stderr.end()
  await db.end()
  await world.stop()
})

const secrets = makeSecrets(catalogue)
const since = await walPosition(db)
const { told, agencies, caseId } = await live(world, secrets, catalogue)
await failInTheDatabase()
const unsayable = [...secrets.sealed, ...secrets.refused]
const all = [...unsayable, ...secrets.plain]

const tables = await dumpTables(db)
const published = await readLog()
const elsewhere: Places = {
  ...(await databaseServer(db)),
  'log of the server': log.text(),
  'standard error': stderr.text(),
  metrics: await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text(),
  'published log': published,
}

await t.test('there is something to find', async (t) => {
  t.same(
    catalogue.records
      .filter(({ fields }) => fields.some(({ type }) => isFree(type)))
      .map(({ type }) => type)
      .filter((type) => !secrets.sealed.some(({ field }) => field.startsWith(`${type}.`))),
    [],
    'canaries in every record type that takes words, times or numbers',
  )
  t.ok(secrets.sealed.length > 250)
  const lines = log.text().trim().split('\n')
  t.ok(lines.length > told.length, 'the log has a line for every request')
  t.match(elsewhere['metrics'], /requestDisclosure/)
  t.match(log.text(), /"level":50,.*"causeCode":"22000"/, 'the error of the database is in the log')
  t.ok(tables['table audit_event']!.length > 10_000)
  t.comment(
    `${secrets.sealed.length} sealed, ${secrets.plain.length} plain, ${secrets.refused.length} refused canaries; ${told.length} answers, ${lines.length} log lines, ${Object.keys(tables).length} tables`,
  )
})

await t.test('log lines have no keys but those of the list', async (t) => {
  const keys = log
    .text()
    .trim()
    .split('\n')
    .flatMap((line) => Object.keys(JSON.parse(line) as object))
  t.same(
    [...new Set(keys)].filter((key) => !Object.hasOwn(LOG_KEYS, key)),
    [],
  )
})

await t.test(
  'nothing in logs, metrics, notices of the database, or the published log',
  async (t) => {
    t.same(foundIn(elsewhere, all), [])
  },
)

await t.test('the database holds nothing but ciphertext of values and notes', async (t) => {
  t.same(foundIn(tables, unsayable), RECKONED)
})

await t.test('words are in the tables that they belong to, and nowhere else', async (t) => {
  const wrong = foundIn(tables, secrets.plain).filter((found) => {
    const [, table, what] = /^table (\w+): (.*)$/.exec(found)!
    return !KEEPS_WORDS[what!]?.includes(table!)
  })
  t.same(wrong, [])
})

await t.test('nothing was ever written to the write-ahead log', async (t) => {
  const segments = await writeAheadLog(db, since)
  const spelled = unsayable.map(({ text }) => text).filter((text) => text.length >= 12)
  const any = new RegExp(spelled.join('|').replaceAll('.', '\\.'))
  t.ok(segments.length > 0)
  t.same(
    segments.flatMap((bytes) => any.exec(bytes.toString('latin1'))?.[0] ?? []),
    [],
  )
})

await t.test('nothing in answers but what was released to whom [R1]', async (t) => {
  const kept = told.flatMap(({ what, text, mayHold }) =>
    find(text, unsayable)
      .filter((one) => !mayHold.includes(one))
      .map(({ field }) => `${what}: ${field}`),
  )
  t.same([...new Set(kept)], [])
})

await t.test(
  'nothing in the facts of decisions, unsealed, nor in what is explained by them',
  async (t) => {
    const crypto = await loadCrypto()
    const keys = new Map([[1, keyEncryptionKey]])
    const vault = openVault(crypto, openKeyRing(crypto, { keys, currentEpoch: 1 }))
    const { rows } = await db.query<DecisionRow>('select * from decision_record')
    const kept: string[] = []
    let at = 0
    let bytes = 0
    let explained = 0
    for (const { id, facts, keys: wrapped } of rows) {
      const keyOf = ({ ownerId, agencyId }: { ownerId: string; agencyId: string }) => {
        const key = wrapped.find((one) => one.ownerId === ownerId && one.agencyId === agencyId)
        return key ? { wrapped: Buffer.from(key.wrapped, 'base64'), epoch: key.epoch } : null
      }
      const opened = vault.openFacts({ disclosureId: id }, keyOf, facts ?? Buffer.alloc(0))
      if (!opened.opened) throw new Error(`facts do not open: ${opened.failure}`)
      bytes += opened.value.length
      const text = Buffer.from(opened.value).toString('latin1')
      kept.push(...find(text, unsayable).map(({ field }) => `facts: ${field}`))
      if (++at % Math.ceil(rows.length / 12) !== 0) continue
      for (const agency of Object.values(agencies)) {
        if (!agency.people.has('dpo')) continue
        const answer = await agency.call('dpo', 'GET', `/v1/disclosures/${id}/explanation`)
        if (answer.status === 200) explained++
        kept.push(...find(answer.text, unsayable).map(({ field }) => `explanation: ${field}`))
      }
    }
    t.same([...new Set(kept)], [])
    t.ok(rows.length > 20 && explained > 4)
    t.comment(`${rows.length} decisions, ${Math.round(bytes / rows.length)} bytes of facts each`)
  },
)

await t.test('nothing in a refusal', async (t) => {
  const refusals = told.filter(({ status }) => status >= 400)
  t.ok(refusals.length > 60)
  const kept = refusals.flatMap(({ what, text }) =>
    find(text, all).map(({ field }) => `${what}: ${field}`),
  )
  t.same([...new Set(kept)], [])
})

await t.test('what was released is the value of that very field', async (t) => {
  const released = told.flatMap(({ released }) => released)
  const strange = released.flatMap(({ field, value }) =>
    find(JSON.stringify(value), unsayable)
      .filter((one) => one.field !== field)
      .map((one) => `${one.field} in ${field}`),
  )
  t.same([...new Set(strange)], [])
  const seen = new Set(released.map(({ field }) => field))
  t.ok(seen.size > 100)
  t.comment(`${released.length} values of ${seen.size} fields were released`)
})

await t.test('row by row, an agency sees its own and nobody else does [R18]', async (t) => {
  const owners = {
    record: 'agency_id',
    record_version: 'agency_id',
    subject_key: 'agency_id',
    local_reference: 'agency_id',
    sealed_note: 'agency_id',
    disclosure: 'agency_id',
    release_ledger: 'recipient_agency_id',
    released_fields: 'recipient_agency_id',
    notice: 'agency_id',
    duty: 'agency_id',
    practitioner: 'agency_id',
  }
  for (const [table, column] of Object.entries(owners)) {
    const rows = await counts(`select ${column} as agency, count(*)::int from ${table} group by 1`)
    t.ok(rows.size > 0, `${table} is not empty`)
    for (const agency of [agencies.programme, agencies.hospital]) {
      const [seen] = await asApp<{ others: number; own: number }>(
        agency.id,
        `select count(*) filter (where ${column} <> $1)::int as others,
           count(*) filter (where ${column} = $1)::int as own from ${table}`,
        [agency.id],
      )
      t.same(seen, { others: 0, own: rows.get(agency.id) ?? 0 }, `${table}, ${agency.sector}`)
    }
    const [nobody] = await asApp<{ count: number }>('', `select count(*)::int from ${table}`)
    t.same(nobody, { count: 0 }, `${table}, nobody`)
  }
  await t.rejects(asApp(agencies.programme.id, 'select private_part from audit_event'), {
    code: '42501',
  })
  // Whoever acts for her may see what she consented to; nobody else.
  for (const [agency, count] of [
    [agencies.programme, 0],
    [agencies.hospital, 1],
  ] as const)
    t.same(await asApp(agency.id, 'select count(*)::int from consent'), [{ count }])
  for (const [agencyId, some] of [
    [agencies.police.id, true],
    [world.operator.id, false],
  ] as const) {
    const values = await asApp(agencyId, 'select * from gate_values($1, null, $2, null)', [
      caseId,
      catalogue.records.map(({ type }) => type),
    ])
    t.equal(values.length > 0, some, 'who does not work the case gets no ciphertext either')
  }
})

await t.test('what is planted is found', async (t) => {
  const [value] = secrets.sealed.filter(({ text }) => /^[a-z0-9]{24}$/.test(text)) as [Canary]
  const [time] = secrets.sealed.filter(({ text }) => /T.*Z$/.test(text)) as [Canary]
  const [number] = secrets.sealed.filter(({ text }) => /^\d{6,}$/.test(text)) as [Canary]
  const before = log.text().length
  logger.info({ code: value.text }, 'as a value of a key of the list')
  t.same(find(log.text().slice(before), all), [value], 'in the log')
  logger.info({ name: value.text, err: new Error(value.text) }, 'as what the log drops')
  t.equal(log.text().split(value.text).length, 2, 'and not where the log drops it')
  t.same(
    find(`x: ${Buffer.from(`ab${value.text}`).toString('base64')}`, all),
    [value],
    'in a header',
  )

  await db.query('begin')
  const one = 'select id from case_file limit 1'
  const plant: readonly [string, string, unknown, Canary][] = [
    ['notice', "jsonb_build_object('x', $1::text)", value.text, value],
    ['notice', "jsonb_build_object('x', $1::bigint)", number.text, number],
    ['local_reference', '$1', Buffer.from(`\x01\x02${value.text}\xff`, 'latin1'), value],
    ['local_reference', '$1', Buffer.from(Buffer.from(value.text).toString('base64')), value],
    ['record', '$1', `${value.text} 1`, value],
    ['consent', '$1', time.text, time],
  ]
  const into: Readonly<Record<string, (expression: string) => string>> = {
    notice: (at) => `insert into notice (id, agency_id, type, urgency, refs)
      values (gen_random_uuid(), gen_random_uuid(), 'x', 'routine', ${at})`,
    local_reference: (
      at,
    ) => `insert into local_reference (agency_id, case_id, about_id, sealed, wrapped_key)
      values (gen_random_uuid(), (${one}), gen_random_uuid(), ${at}, '')`,
    record: (at) => `insert into record (id, case_id, agency_id, type, version)
      values (gen_random_uuid(), (${one}), (select id from agency limit 1), ${at}, 1)`,
    consent: (at) => `update consent set withdrawn_at = ${at}`,
  }
  for (const [table, expression, planted, canary] of plant) {
    await db.query('savepoint planted')
    await db.query(into[table]!(expression), [planted])
    t.same(
      foundIn({ [table]: (await dumpTables(db))[`table ${table}`]! }, unsayable),
      [`${table}: ${canary.field}`],
      `in a row of ${table}`,
    )
    await db.query('rollback to savepoint planted')
  }
  await db.query('rollback')
})

/** What is found where, each once. */
function foundIn(places: Places, canaries: readonly Canary[]): string[] {
  const found = Object.entries(places).flatMap(([place, text]) =>
    find(text, canaries).map(({ field }) => `${place}: ${field}`),
  )
  return [...new Set(found)]
}

/** Makes the database refuse a deposit with words that repeat it, as its own errors do. */
async function failInTheDatabase(): Promise<void> {
  const text = secrets.text('refused', 'error of the database')
  await db.query(`create function repeat_it() returns trigger language plpgsql as $$
    declare
      -- In two halves, so that the function itself, which is kept, does not hold it.
      whole text := '${text.slice(0, 9)}' || '${text.slice(9)}';
    begin
      raise exception 'invalid input: %', whole
        using detail = 'Failing row contains (' || whole || ')', hint = whole, errcode = 'data_exception';
    end $$;
    create trigger repeat_it before insert on record_version for each row execute function repeat_it()`)
  const { police } = agencies
  const at = world.clock.now().toISOString()
  const answer = await police.call('police_officer', 'POST', `/v1/cases/${caseId}/records`, {
    body: {
      type: 'incident',
      fields: {
        professional_observation: secrets.text('sealed', 'incident.professional_observation'),
      },
      provenance: { informant: 'PO', kind: 'fact', collectedAt: at },
    },
  })
  await db.query('drop function repeat_it cascade')
  ;(told as Told[]).push({
    what: 'depositRecord, with an error of the database',
    status: answer.status,
    text: `${[...answer.headers].join('\n')}\n${answer.text}`,
    released: [],
    mayHold: [],
  })
  if (answer.status !== 500) throw new Error(`expected 500, got ${answer.status}`)
}

/** Every entry and tile that the server publishes, as one text of bytes. */
async function readLog(): Promise<string> {
  const { rows } = await db.query<{ path: string }>(`
    select 'tile/entries/000' || case when width < 256 then '.p/' || width else '' end as path
      from log_bundle where bundle_index = 0
    union all select 'tile/' || level || '/000' || case when width < 256 then '.p/' || width else '' end
      from log_tile where tile_index = 0`)
  const parts = await Promise.all(
    [...rows.map(({ path }) => path), 'checkpoint', 'vkey'].map(async (path) => {
      const response = await fetch(`${world.address}/log/${path}`)
      if (!response.ok) throw new Error(`${path} is not served`)
      return Buffer.from(await response.arrayBuffer()).toString('latin1')
    }),
  )
  return parts.join('\n')
}

async function counts(text: string): Promise<ReadonlyMap<string, number>> {
  const { rows } = await db.query<{ agency: string; count: number }>(text)
  return new Map(rows.map(({ agency, count }) => [agency, count]))
}

/** As the API's own role, for one agency. */
async function asApp<Row extends pg.QueryResultRow>(
  agencyId: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  await db.query('begin')
  try {
    await db.query('set local role ostiary_app')
    await db.query(`select set_config('app.agency', $1, true)`, [agencyId])
    return (await db.query<Row>(text, values)).rows
  } finally {
    await db.query('rollback')
  }
}

function isFree(type: string): boolean {
  return ['text', 'date', 'datetime', 'address', 'interval'].includes(type)
}
