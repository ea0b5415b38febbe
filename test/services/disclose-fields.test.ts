// The release gate over a real database: what it writes, what it repeats, and that it fails closed.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { sha256 } from '../../src/domain/log/hash.ts'
import type { OstiaryError } from '../../src/errors.ts'
import { compilePack } from '../../src/services/policy-versions.ts'
import type { GateAgency, GateWorld, GateWorldOptions } from '../support/gate-world.ts'
import { startGateWorld } from '../support/gate-world.ts'

const HANDOVER = {
  purpose: 'safety_urgent',
  fields: ['programme_engagement/event', 'programme_engagement/status'],
  justification: 'weekly handover',
} as const

interface Scene {
  readonly world: GateWorld
  readonly programme: GateAgency
  readonly support: GateAgency
  readonly police: GateAgency
  readonly record: string
}

/** Marko has left the programme; Lighthouse may know. */
async function scene(t: Test, options: GateWorldOptions = {}): Promise<Scene> {
  const world = await startGateWorld(options)
  t.teardown(() => world.close())
  const programme = await world.agency('perpetrator_programme', ['pp_case_manager'], 'perpetrator')
  const support = await world.agency(
    'victim_support',
    ['partner_contact_worker', 'vss_advocate', 'org_admin', 'dpo'],
    'victim',
  )
  const police = await world.agency('police', ['police_officer', 'org_admin'], 'all')
  const record = await world.deposit(programme, {
    type: 'programme_engagement',
    about: world.ids.marko,
    fields: { status: 'dropout', dropout_at: '2026-11-16T18:00:00Z' },
    from: { informant: 'PP' },
  })
  return { world, programme, support, police, record }
}

const worker = (support: GateAgency) => support.as('partner_contact_worker')

/** Rows by table, so that a test can say that nothing was added. */
async function rows(world: GateWorld): Promise<Record<string, number>> {
  const tables = [
    'disclosure',
    'release_ledger',
    'released_fields',
    'review_task',
    'notice',
    'idempotency',
    'audit_event',
    'audit_salt',
    'log_pending',
  ]
  const counts = tables.map((name) => `(select count(*) from ${name})::int as ${name}`)
  const [found] = await world.sql<Record<string, number>>(`select ${counts.join()}`)
  return found ?? {}
}

const valuesOf = (result: Awaited<ReturnType<GateWorld['ask']>>) =>
  Object.fromEntries(result.answer.fields.map(({ field, value }) => [field, value]))
const outcomesOf = (result: Awaited<ReturnType<GateWorld['ask']>>) =>
  Object.fromEntries(
    result.answer.fields.map(({ field, outcome, reasons }) => [
      field,
      Array.isArray(reasons)
        ? reasons.map((reason) => (reason as { code: string }).code).join()
        : outcome,
    ]),
  )

const STATUS = 'programme_engagement.status'
const DROPOUT = 'programme_engagement.dropout_at'

t.test('what leaves is in disclosure, ledger, log and receipt, committed together', async (t) => {
  const { world, support, programme, record } = await scene(t)
  const { answer, perpetratorSide } = await world.ask(worker(support), HANDOVER)
  t.equal(perpetratorSide, false)
  t.equal(answer.outcome, 'full')
  t.same(
    answer.fields.map(({ field, value }) => [field, value]),
    [
      [DROPOUT, '2026-11-16T18:00:00Z'],
      [STATUS, 'dropout'],
    ],
  )
  const [ledger] = await world.sql('select * from release_ledger')
  t.match(ledger, {
    disclosure_id: answer.id,
    record_id: record,
    record_version: 1,
    case_id: world.ids.caseId,
    subject_id: world.ids.marko,
    source_agency_id: programme.id,
    recipient_agency_id: support.id,
    purpose: 'safety_urgent',
    expires_at: null,
    released_at: world.clock.now(),
  })
  t.same(ledger?.['fields'], [DROPOUT, STATUS])
  const [row] = await world.sql('select * from disclosure')
  t.match(row, { id: answer.id, kind: 'disclosure', outcome: 'full', policy_version: 1 })
  t.same(row?.['record_versions'], { [record]: 1 })
  t.notMatch(JSON.stringify(row?.['items']), '18:00:00Z', 'no value is kept')
  const [logged] = await world.sql<{ entry: Buffer; public_part: string }>(
    'select p.entry, e.public_part from log_pending p join audit_event e on e.id = p.event_id',
  )
  const leaf = sha256(Buffer.concat([Buffer.from([0]), logged!.entry]))
  t.equal(answer.receipt.leafHash, Buffer.from(leaf).toString('base64url'))
  t.match(JSON.parse(logged!.public_part), { disclosureId: answer.id, outcome: 'full' })

  await world.ask(worker(support), { ...HANDOVER, fields: [STATUS] })
  const [ever] = await world.sql<{ fields: string[] }>('select fields from released_fields')
  t.same(ever?.fields.sort(), [DROPOUT, STATUS], 'one row, however often it is asked')
})

t.test('refusals are written as fully as releases', async (t) => {
  const { world, support } = await scene(t)
  const before = await rows(world)
  const result = await world.ask(worker(support), { ...HANDOVER, purpose: 'social_support' })
  t.equal(result.answer.outcome, 'none')
  const after = await rows(world)
  for (const table of ['disclosure', 'audit_event', 'audit_salt', 'log_pending', 'idempotency'])
    t.equal(after[table], before[table]! + 1, table)
  for (const table of ['release_ledger', 'released_fields', 'review_task', 'notice'])
    t.equal(after[table], before[table], table)
})

t.test('whoever may not ask is refused alike, and the refusal is logged', async (t) => {
  const { world, support, programme } = await scene(t)
  const outsider = await world.agency('hospital', ['physician'], null)
  const stranger = randomUUID()
  const refused: readonly (readonly [string, () => Promise<unknown>, string, string])[] = [
    ['no member', () => world.ask(outsider.as('physician'), HANDOVER), 'not_found', 'not_a_member'],
    [
      'unknown case',
      () => world.ask(worker(support), { ...HANDOVER, caseId: stranger }),
      'not_found',
      'not_a_member',
    ],
    [
      'unknown person',
      () => world.ask(worker(support), { ...HANDOVER, subjectId: stranger }),
      'not_found',
      'no_such_subject',
    ],
    [
      'role not held',
      () => world.ask({ ...worker(support), role: 'lawyer' }, HANDOVER),
      'practitioner_not_recognised',
      'practitioner',
    ],
    [
      'practitioner of another agency',
      () =>
        world.ask(
          { ...worker(support), practitionerId: programme.people.get('pp_case_manager')! },
          HANDOVER,
        ),
      'practitioner_not_recognised',
      'practitioner',
    ],
  ]
  for (const [what, asking, code, cause] of refused) {
    await t.rejects(asking(), { code }, what)
    const [event] = await world.sql<{ type: string; public_part: string; private_part: string }>(
      'select e.* from audit_event e join log_pending p on p.event_id = e.id order by p.seq desc limit 1',
    )
    t.match(JSON.parse(event!.public_part), { refused: code, requested: HANDOVER.fields }, what)
    t.match(JSON.parse(event!.private_part), { cause }, what)
  }
  t.match(await rows(world), { disclosure: 0, release_ledger: 0, idempotency: 0, audit_event: 5 })
})

t.test('selectors that name nothing are told without being repeated, and in no time', async (t) => {
  const { world, support } = await scene(t)
  const wrong = Array.from({ length: 200 }, (_, i) => `programme_engagement.sessions_planed_${i}`)
  const started = performance.now()
  const error: OstiaryError = await world
    .ask(worker(support), { ...HANDOVER, fields: ['Ana Novak, Harbour Lane 7', ...wrong] })
    .then(
      () => t.fail('it was answered'),
      (cause) => cause,
    )
  t.ok(performance.now() - started < 500)
  t.equal(error.code, 'unknown_field')
  t.equal(error.errors?.length, 5)
  t.match(error.errors?.[1], { pointer: '#/fields/1', detail: /sessions_planned/ })
  t.notMatch(JSON.stringify(error.errors), /Novak|Harbour|planed_/)
  t.match(await rows(world), { disclosure: 0, audit_event: 0 })
})

t.test('no audit, no release: whatever part of the commit fails, nothing leaves', async (t) => {
  let opened = 0
  const { world, support, police } = await scene(t, {
    wrapVault: (vault) => ({
      ...vault,
      open: (...given) => {
        opened += 1
        return vault.open(...given)
      },
    }),
  })
  await world.deposit(support, {
    type: 'contact_location',
    about: world.ids.ana,
    fields: { safe_phone: '+38640555012' },
    from: { informant: 'V', by: world.ids.ana },
  })
  /** Breaks the glass, so that every statement of the gate is sent. */
  const ask = () =>
    world.ask(police.as('police_officer'), {
      subjectId: world.ids.ana,
      purpose: 'safety_urgent',
      fields: ['contact_location.safe_phone'],
      justification: 'not seen since midnight',
      exception: { code: 'break_glass', note: 'call at 02:00' },
    })
  const fail = `create or replace function fail() returns trigger language plpgsql as $$ begin raise exception 'planted' using errcode = 'P0001'; end $$`
  await world.sql(fail)
  const failing = (table: string, deferred = false) =>
    deferred
      ? `create constraint trigger planted after insert on ${table} deferrable initially deferred for each row execute function fail()`
      : `create trigger planted before insert on ${table} for each row execute function fail()`
  const plants: readonly (readonly [string, string, string])[] = [
    ...[
      'audit_event',
      'audit_salt',
      'log_pending',
      'disclosure',
      'release_ledger',
      'released_fields',
      'idempotency',
      'review_task',
      'notice',
    ].map(
      (table) =>
        [`insert into ${table}`, failing(table), `drop trigger planted on ${table}`] as const,
    ),
    ['the commit itself', failing('log_pending', true), 'drop trigger planted on log_pending'],
    [
      'right to write the log',
      'revoke insert on log_pending from ostiary_app',
      'grant insert on log_pending to ostiary_app',
    ],
    [
      'the audit table',
      'alter table audit_salt rename to audit_salt_kept',
      'alter table audit_salt_kept rename to audit_salt',
    ],
  ]
  const before = await rows(world)
  for (const [what, plant, undo] of plants) {
    await world.sql(plant)
    await t.rejects(ask(), { code: 'audit_unavailable', statusCode: 503 }, what)
    await world.sql(undo)
    t.same(await rows(world), before, `${what}: nothing stays`)
    t.equal(opened, 0, `${what}: nothing was opened`)
  }
  const { answer } = await ask()
  t.equal(answer.fields[0]?.value, '+38640555012', 'and the connections are good again')
  const [ledger] = await world.sql<{ expires_at: Date }>('select expires_at from release_ledger')
  t.same(ledger?.expires_at, new Date(world.clock.now().getTime() + 86_400_000), 'S38: for 24 h')
  t.match(await world.sql('select kind, agency_id, role, state from review_task'), [
    { kind: 'after', agency_id: police.id, role: 'org_admin', state: 'open' },
  ])
  const told = await world.sql('select agency_id, role, type, created_at from notice order by role')
  t.same(
    told.map(({ agency_id: agency, role, type }) => [agency === police.id, role, type]).sort(),
    [
      [false, 'dpo', 'exception_used'],
      [false, 'org_admin', 'exception_used'],
      [true, 'dpo', 'exception_used'],
    ],
  )
  for (const { created_at: at } of told) t.same(at, world.clock.now())
})

t.test('a connection that dies under the commit answers nothing', async (t) => {
  const { world, support } = await scene(t)
  await world.sql(
    `create function die() returns trigger language plpgsql security definer as $$
     begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$`,
  )
  for (const [when, table] of [
    ['before insert', 'audit_event'],
    ['before insert', 'disclosure'],
  ] as const) {
    await world.sql(
      `create trigger planted ${when} on ${table} for each row execute function die()`,
    )
    await t.rejects(world.ask(worker(support), HANDOVER), { code: 'audit_unavailable' }, table)
    await world.sql(`drop trigger planted on ${table}`)
  }
  t.match(await rows(world), { disclosure: 0, audit_event: 0 })
  for (let round = 0; round < 20; round++)
    t.equal((await world.ask(worker(support), HANDOVER)).answer.outcome, 'full')
})

t.test(
  'reading that fails refuses, and leaves no connection behind in a transaction',
  async (t) => {
    const { world, support } = await scene(t)
    await world.sql(
      'alter function gate_values(uuid, uuid, text[], jsonb) rename to gate_values_kept',
    )
    for (let round = 0; round < 20; round++)
      await t.rejects(world.ask(worker(support), HANDOVER), { code: '42883' })
    await world.sql(
      'alter function gate_values_kept(uuid, uuid, text[], jsonb) rename to gate_values',
    )
    const [open] = await world.sql(
      `select count(*)::int as n from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`,
    )
    t.equal(open?.['n'], 0)
    for (let round = 0; round < 20; round++)
      t.equal((await world.ask(worker(support), HANDOVER)).answer.outcome, 'full')
  },
)

t.test(
  'requests for the same records in other orders do not wait for each other in a ring',
  async (t) => {
    const { world, support, programme } = await scene(t)
    await world.deposit(programme, {
      type: 'risk_assessment',
      about: world.ids.marko,
      fields: { risk_level: 'high' },
      from: { informant: 'PP' },
    })
    // The first notes about a person make a key, for which the others wait.
    await world.ask(worker(support), { ...HANDOVER, purpose: 'social_support' })
    // Slow enough for one to be between its two rows when the other begins.
    await world.sql(
      `create function dawdle() returns trigger language plpgsql as $$ begin perform pg_sleep(0.1); return new; end $$`,
    )
    await world.sql(
      'create trigger planted before insert on released_fields for each row execute function dawdle()',
    )
    const selectors = ['risk_assessment.risk_level', STATUS]
    const answers = await Promise.all(
      [selectors, selectors.toReversed()].map((fields) =>
        world.ask(worker(support), { ...HANDOVER, fields }),
      ),
    )
    t.same(
      answers.map(({ answer }) => answer.outcome),
      ['full', 'full'],
    )
    // Counters of other sessions are published within a second.
    await sleep(1_500)
    t.match(
      await world.sql('select deadlocks from pg_stat_database where datname = current_database()'),
      [{ deadlocks: '0' }],
    )
  },
)

t.test(
  'an epoch of the key-encryption key that ends meanwhile costs one more attempt',
  async (t) => {
    const { world, support } = await scene(t, { epochs: [1, 2] })
    // Another epoch becomes current after the gate has read the old one and before it keeps a key under it.
    await world.sql(`create function rotate() returns trigger language plpgsql security definer as $$
    begin
      if new.key_epoch = 1 then raise exception 'retired' using errcode = '40001'; end if;
      return new;
    end $$`)
    await world.sql(
      'create trigger planted before insert on subject_key for each row execute function rotate()',
    )
    await t.rejects(
      world.ask(worker(support), HANDOVER),
      { code: 'overloaded', statusCode: 503 },
      'never ends well: 503, not 500',
    )
    t.match(await rows(world), { disclosure: 0, audit_event: 0 })
    const check = world.keyRing.checkValue(2)
    await world.sql('insert into key_epoch (epoch, check_value) values (2, $1)', [check])
    const { answer } = await world.ask(worker(support), HANDOVER)
    t.equal(answer.outcome, 'full')
    t.match(
      await world.sql('select key_epoch from subject_key where agency_id = $1', [support.id]),
      [{ key_epoch: 2 }],
    )
  },
)

t.test('first notes about a person, many at once: one key, and all of them open', async (t) => {
  const { world, support } = await scene(t)
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      world.ask(worker(support), { ...HANDOVER, justification: `reason ${i}` }),
    ),
  )
  const [key] = await world.sql<{ wrapped: Buffer; key_epoch: number }>(
    'select wrapped, key_epoch from subject_key where agency_id = $1 and owner_id = $2',
    [support.id, world.ids.marko],
  )
  const opened = await Promise.all(
    answers.map(async ({ answer: { id } }) => {
      const [row] = await world.sql<{ notes_sealed: Buffer; notes_key: Buffer }>(
        'select notes_sealed, notes_key from disclosure where id = $1',
        [id],
      )
      const text = world.vault.openText(
        { kind: 'disclosure_notes', id, ownerId: world.ids.marko, agencyId: support.id },
        { wrapped: key!.wrapped, epoch: key!.key_epoch },
        { sealed: row!.notes_sealed, wrappedKey: row!.notes_key },
      )
      return text.opened && (text.value as { justification: string }).justification
    }),
  )
  t.same(
    opened,
    answers.map((_, i) => `reason ${i}`),
  )
})

t.test(
  'values that will not open are withheld, and the log hears of it before the answer leaves',
  async (t) => {
    const { world, support, record } = await scene(t)
    const other = await world.deposit(
      await world.agency('perpetrator_programme', ['pp_case_manager'], 'perpetrator'),
      {
        type: 'programme_engagement',
        about: world.ids.marko,
        fields: { status: 'paused' },
        from: { informant: 'PP' },
      },
    )
    await world.sql(
      `update record_version set sealed = decode(repeat('00', octet_length(sealed)), 'hex') where record_id = $1`,
      [record],
    )
    const result = await world.ask(worker(support), HANDOVER)
    t.equal(result.answer.outcome, 'partial')
    t.same(
      result.answer.fields.map(({ recordId, outcome, value, reasons }) => [
        recordId === other,
        outcome,
        value,
        reasons,
      ]),
      [
        [false, 'withheld', undefined, [{ code: 'rule_error' }]],
        [false, 'withheld', undefined, [{ code: 'rule_error' }]],
        [true, 'released', 'paused', undefined],
      ],
    )
    const events = await world.sql<{ type: string; private_part: string }>(
      'select type, private_part from audit_event e join log_pending p on p.event_id = e.id order by seq',
    )
    t.same(
      events.map(({ type }) => type),
      ['disclose.decided', 'disclose.unreadable'],
    )
    t.same(JSON.parse(events[1]!.private_part).records, [record, record])

    await world.sql(
      `create function only_first() returns trigger language plpgsql as $$
     begin if new.type = 'disclose.unreadable' then raise exception 'planted'; end if; return new; end $$`,
    )
    await world.sql(
      'create trigger planted before insert on audit_event for each row execute function only_first()',
    )
    await t.rejects(world.ask(worker(support), HANDOVER), { code: 'audit_unavailable' })
  },
)

t.test('flags that will not open withhold their own record and count nowhere', async (t) => {
  const { world, support, record } = await scene(t)
  const other = await world.deposit(
    await world.agency('perpetrator_programme', ['pp_case_manager'], 'perpetrator'),
    {
      type: 'programme_engagement',
      about: world.ids.marko,
      fields: { status: 'paused' },
      from: { informant: 'PP' },
    },
  )
  await world.sql(
    `update record_version set sealed_flags = decode(repeat('00', 568), 'hex') where record_id = $1`,
    [record],
  )
  const { answer } = await world.ask(worker(support), HANDOVER)
  t.same(
    answer.fields.map(({ recordId, outcome, tests }) => [recordId, outcome, tests]),
    [
      [record, 'withheld', { secure: 'fail' }],
      [record, 'withheld', { secure: 'fail' }],
      [other, 'released', { necessary: 'pass', accurate: 'pass', timely: 'pass', secure: 'pass' }],
    ],
  )
})

t.test('a person whose key was destroyed leaves nothing to find', async (t) => {
  const { world, support, programme } = await scene(t)
  const key = randomUUID()
  t.equal((await world.ask(worker(support), HANDOVER, { key })).answer.outcome, 'full')
  await world.sql('delete from subject_key where owner_id = $1 and agency_id = $2', [
    world.ids.marko,
    programme.id,
  ])
  t.same((await world.ask(worker(support), HANDOVER)).answer.fields, [])
  t.same((await world.ask(worker(support), HANDOVER, { key })).answer.fields, [], 'nor by a repeat')
})

t.test(
  'a repeated request is decided again, over the same versions, by the law and state of today',
  async (t) => {
    const { world, support, programme, record } = await scene(t)
    const key = randomUUID()
    const first = await world.ask(worker(support), HANDOVER, { key })
    t.equal(first.answer.replayOf, undefined)
    const again = () => world.ask(worker(support), HANDOVER, { key })

    await t.test('it is an event of its own and takes no key', async (t) => {
      const second = await again()
      t.equal(second.answer.replayOf, first.answer.id)
      t.not(second.answer.id, first.answer.id)
      t.same(valuesOf(second), valuesOf(first))
      t.match(await rows(world), {
        disclosure: 2,
        audit_event: 2,
        idempotency: 1,
        release_ledger: 2,
      })
      t.equal((await again()).answer.replayOf, first.answer.id, 'always of the first')
    })

    await t.test('records that came since are not in it', async (t) => {
      await world.deposit(programme, {
        type: 'programme_engagement',
        about: world.ids.marko,
        fields: { status: 'excluded' },
        from: { informant: 'PP' },
      })
      t.same(valuesOf(await again()), valuesOf(first))
      t.equal((await world.ask(worker(support), HANDOVER)).answer.fields.length, 3)
    })

    await t.test('what is contested since says so; what is restricted since stays', async (t) => {
      await world.mark(record, 'status', 'contested')
      t.match(outcomesOf(await again()), { [STATUS]: 'contested', [DROPOUT]: 'released' })
      await world.mark(record, 'status', 'clear')
      await world.mark(record, 'dropout_at', 'restricted')
      t.match(outcomesOf(await again()), { [STATUS]: 'released', [DROPOUT]: 'restricted' })
      await world.mark(record, 'dropout_at', 'clear')
      t.same(valuesOf(await again()), valuesOf(first))
    })

    await t.test('what was taken out of the record does not come back', async (t) => {
      await world.sql(
        `with next as (insert into record_version
         select record_id, version + 1, case_id, agency_id, subject_id, 'amend', practitioner_id, key_owner_id, wrapped_key, sealed,
           jsonb_path_query_array(fields, '$[*] ? (@.name != "status")'), provenance, sealed_flags, conditions, created_at
         from record_version where record_id = $1 and version = (select version from record where id = $1))
       update record set version = version + 1 where id = $1`,
        [record],
      )
      t.same(valuesOf(await again()), { [DROPOUT]: '2026-11-16T18:00:00Z' })
    })

    await t.test(
      'the same key for another body, or used by another operation, is refused',
      async (t) => {
        const other = world.ask(worker(support), HANDOVER, { key, fingerprint: 'another body' })
        await t.rejects(other, { code: 'idempotency_key_reused', statusCode: 422 })
        const foreign = randomUUID()
        await world.sql(
          `insert into idempotency (client_id, key, fingerprint, operation, resource_id) values ($1, $2, $3, 'depositRecord', $4)`,
          [support.clientId, foreign, Buffer.from('same'.padEnd(32)), record],
        )
        const stolen = world.ask(worker(support), HANDOVER, { key: foreign, fingerprint: 'same' })
        await t.rejects(stolen, { code: 'idempotency_key_reused' })
      },
    )

    await t.test('another client may have the same key', async (t) => {
      const police = await world.agency('police', ['police_officer'], 'all')
      const theirs = await world.ask(police.as('police_officer'), HANDOVER, { key })
      t.equal(theirs.answer.replayOf, undefined)
    })

    await t.test('a key in use is told at once', async (t) => {
      const busy = randomUUID()
      const blocker = await world.pools.gate.connect()
      await blocker.query('begin')
      await blocker.query(
        `select pg_advisory_xact_lock(hashtextextended('ostiary/idempotency:' || $1 || ':' || $2, 0))`,
        [support.clientId, busy],
      )
      const asking = world.ask(worker(support), HANDOVER, { key: busy })
      await t.rejects(asking, { code: 'idempotency_key_in_progress', statusCode: 409 })
      await blocker.query('rollback')
      blocker.release()
      t.equal((await world.ask(worker(support), HANDOVER, { key: busy })).answer.outcome, 'full')
    })

    await t.test(
      'many at once under one key: one decision, the others are told to wait or repeat it',
      async (t) => {
        const busy = randomUUID()
        const results = await Promise.allSettled(
          Array.from({ length: 8 }, () => world.ask(worker(support), HANDOVER, { key: busy })),
        )
        const codes = results.map((one) =>
          one.status === 'rejected'
            ? (one.reason as OstiaryError).code
            : (one.value.answer.replayOf ?? 'first'),
        )
        t.equal(codes.filter((code) => code === 'first').length, 1)
        const [stored] = await world.sql<{ resource_id: string }>(
          'select resource_id from idempotency where key = $1',
          [busy],
        )
        for (const code of codes)
          t.ok(['first', 'idempotency_key_in_progress', stored!.resource_id].includes(code))
      },
    )
  },
)

const FLAGGED = `
policy: flagged
title: What a mandate opens
source: [test]
permit:
  - id: M1
    from: { sector: [perpetrator_programme] }
    to: { sector: [victim_support] }
    purpose: [safety_urgent]
    fields: [programme_engagement.*]
    when: { flags: [mandate_exists] }
    necessary: { because: test }
    accurate: { contested: mark }
    basis: { gdpr: [A6-1-e], art9: A9-2-g, art10: authorised, consent: not_needed }
`

t.test('a repeat does not stand on a mandate that was lifted since', async (t) => {
  const { world, support, record } = await scene(t, { pack: FLAGGED })
  const court = await world.agency('court', ['judge_clerk'], 'all')
  const mandate = await world.deposit(court, {
    type: 'criminal_proceedings',
    about: world.ids.marko,
    fields: { pp_mandate: 'mandatory' },
    from: { informant: 'PR' },
  })
  const key = randomUUID()
  t.equal((await world.ask(worker(support), HANDOVER, { key })).answer.outcome, 'full')
  await world.sql(
    `with next as (insert into record_version
       select record_id, version + 1, case_id, agency_id, subject_id, 'amend', practitioner_id, key_owner_id, wrapped_key, ''::bytea,
         '[]', '[]', null, conditions, created_at from record_version where record_id = $1)
     update record set version = version + 1 where id = $1`,
    [mandate],
  )
  const { answer } = await world.ask(worker(support), HANDOVER, { key })
  t.same(
    answer.fields.map(({ recordId, outcome, reasons }) => [recordId, outcome, reasons]),
    [DROPOUT, STATUS].map(() => [record, 'withheld', [{ code: 'condition_not_met', rule: 'M1' }]]),
  )
})

t.test('a contested value that leaves is marked as contested (LED art. 7(2))', async (t) => {
  const { world, support, record, police } = await scene(t, { pack: FLAGGED })
  await world.deposit(police, {
    type: 'criminal_proceedings',
    about: world.ids.marko,
    fields: { pp_mandate: 'mandatory' },
    from: { informant: 'PR' },
  })
  await world.sql(`update agency set sector = 'court' where id = $1`, [police.id])
  const key = randomUUID()
  const marks = async () =>
    (await world.ask(worker(support), HANDOVER, { key })).answer.fields.map(
      ({ field, outcome, contested }) => [field, outcome, contested],
    )
  t.same(await marks(), [
    [DROPOUT, 'released', undefined],
    [STATUS, 'released', undefined],
  ])
  await world.mark(record, 'status', 'contested')
  t.same(
    await marks(),
    [
      [DROPOUT, 'released', undefined],
      [STATUS, 'released', true],
    ],
    'in a repeat of an earlier version, too',
  )
})

t.test(
  'sealed: one box that only the recipient opens, indices those of the visible entries',
  async (t) => {
    const { world, support } = await scene(t)
    const caller = worker(support)
    await t.rejects(world.ask(caller, { ...HANDOVER, seal: true }), {
      code: 'sealing_key_missing',
      statusCode: 422,
    })
    t.match(await rows(world), { disclosure: 0, audit_event: 0 })
    const sodium = (await import('libsodium-wrappers-sumo')).default
    await sodium.ready
    const pair = sodium.crypto_box_keypair()
    await world.sql('update agency set sealing_key = $2 where id = $1', [
      support.id,
      pair.publicKey,
    ])
    const { answer } = await world.ask(caller, {
      ...HANDOVER,
      fields: ['programme_engagement.session_notes', ...HANDOVER.fields],
      seal: true,
    })
    t.same(
      answer.fields.map(({ value }) => value),
      [undefined, undefined],
    )
    const opened = JSON.parse(
      sodium.to_string(
        sodium.crypto_box_seal_open(
          Buffer.from(answer.sealed!.box, 'base64url'),
          pair.publicKey,
          pair.privateKey,
        ),
      ),
    )
    t.same(opened, {
      disclosureId: answer.id,
      leafHash: answer.receipt.leafHash,
      values: { 0: '2026-11-16T18:00:00Z', 1: 'dropout' },
    })
  },
)

t.test(
  'clocks of two nodes differ: a stop counts from its commit, an end by either clock',
  async (t) => {
    const { world, support, programme } = await scene(t)
    const { ana } = world.ids
    await world.deposit(support, {
      type: 'partner_contact',
      about: ana,
      fields: { new_incident_disclosed: true },
      from: { informant: 'V', by: ana },
    })
    await world.sql(
      `insert into agreement (id, title, parties, purposes, valid_from, valid_to, document_ref, signatories, created_by)
     values ($1, 't', $2, '{risk_management}', '2026-01-01', '2027-01-01', 'd', '[]', $3)`,
      [randomUUID(), [support.id, programme.id], support.id],
    )
    await world.sql(
      `insert into agreement_acceptance (agreement_id, agency_id, accepted_at)
     select id, unnest(parties), '2026-01-01' from agreement`,
    )
    const purpose = 'risk_management'
    const fields = ['partner_contact.new_incident_disclosed']
    const consent = await world.consent({
      by: ana,
      recordedBy: support,
      to: programme,
      purpose,
      fields,
    })
    world.clock.advance(60_000)
    const ask = () =>
      world.ask(programme.as('pp_case_manager'), { subjectId: ana, purpose, fields })
    t.same(valuesOf(await ask()), { [fields[0]!]: true })
    // By a node whose clock is five minutes ahead of this one's.
    const ahead = new Date(world.clock.now().getTime() + 300_000)
    await world.stop([`case:${world.ids.caseId}`, `person:${ana}`], async (tx) => {
      await tx
        .updateTable('consent')
        .set({ withdrawn_at: ahead })
        .where('id', '=', consent)
        .execute()
    })
    t.same(valuesOf(await ask()), {})

    await t.test('a membership that runs out', async (t) => {
      const until = '2027-03-01T00:00:00.000Z'
      await world.sql('update case_member set until = $2 where agency_id = $1', [support.id, until])
      world.clock.set('2027-02-28T23:59:59.999Z')
      t.equal((await world.ask(worker(support), HANDOVER)).answer.outcome, 'full')
      world.clock.set(until)
      await t.rejects(world.ask(worker(support), HANDOVER), { code: 'not_found' })
    })
  },
)

t.test('a stop that holds its lock is waited for, and then counts', async (t) => {
  const { world, support, programme, record } = await scene(t)
  const person = support.people.get('partner_contact_worker')!
  const stops: readonly (readonly [string, string, string, string, unknown[]])[] = [
    [
      `agency:${support.id}`,
      'practitioner_not_recognised',
      'update agency set suspended_at = now() where id = $1',
      'update agency set suspended_at = null where id = $1',
      [support.id],
    ],
    [
      `agency:${support.id}`,
      'practitioner_not_recognised',
      'update practitioner set active = false where id = $1',
      'update practitioner set active = true where id = $1',
      [person],
    ],
    [
      `case:${world.ids.caseId}`,
      'not_found',
      'update case_member set ended_at = now() where agency_id = $1',
      'update case_member set ended_at = null where agency_id = $1',
      [support.id],
    ],
    [
      `person:${world.ids.marko}`,
      'restricted',
      `update record_version set fields = jsonb_set(jsonb_set(fields, '{0,restricted}', 'true'), '{1,restricted}', 'true') where record_id = $1`,
      `update record_version set fields = fields #- '{0,restricted}' #- '{1,restricted}' where record_id = $1`,
      [record],
    ],
    [
      `person:${world.ids.marko}`,
      'gone',
      `update subject_key set agency_id = '00000000-0000-4000-8000-000000000000' where agency_id = $1`,
      "update subject_key set agency_id = $1 where agency_id = '00000000-0000-4000-8000-000000000000'",
      [programme.id],
    ],
  ]
  const outcome = () =>
    world.ask(worker(support), HANDOVER).then(
      (result) => Object.values(outcomesOf(result))[0] ?? 'gone',
      (error: unknown) => (error as OstiaryError).code,
    )
  for (const [lock, expected, stop, undo, values] of stops) {
    t.equal(await outcome(), 'released', `before ${stop}`)
    const client = await world.pools.gate.connect()
    await client.query('begin')
    await client.query('set local role postgres')
    await client.query(
      `select pg_advisory_xact_lock(hashtextextended('ostiary/' || $1::text, 0))`,
      [lock],
    )
    const asking = outcome()
    await client.query(stop, values)
    const early = await Promise.race([asking, sleep(100).then(() => 'waits')])
    t.equal(early, 'waits')
    await client.query('commit')
    client.release()
    t.equal(await asking, expected, stop)
    await world.sql(undo, values)
  }
})

t.test('policies: one attempt, one version, and the newest one', async (t) => {
  const { world, support } = await scene(t)
  const lagging = await world.another()
  await world.activate(FLAGGED)
  const request = { caseId: world.ids.caseId, subjectId: world.ids.marko, ...HANDOVER }
  const { answer } = await lagging.discloseFields(worker(support), request, { kind: 'preview' })
  t.equal(answer.policy.version, 2, 'a node that had not heard of it decides by it')
  t.same(outcomesOf({ answer, perpetratorSide: false }), {
    [DROPOUT]: 'condition_not_met',
    [STATUS]: 'condition_not_met',
  })

  await t.test('no document, no rule, no release', async (t) => {
    await world.sql(
      `insert into policy_version (version, hash, documents) values (3, 'sha256:altered', '[]')`,
    )
    await world.sql('update policy_active set version = 3')
    const before = await rows(world)
    await t.rejects(world.ask(worker(support), HANDOVER), { message: /not what its hash says/ })
    const { hash } = compilePack([], world.catalogue)
    await world.sql('insert into policy_version (version, hash, documents) values (4, $1, $2)', [
      hash,
      '[]',
    ])
    t.same(await rows(world), before, 'documents that were altered decide nothing')
    await world.sql('update policy_active set version = 4')
    t.match(outcomesOf(await world.ask(worker(support), HANDOVER)), {
      [DROPOUT]: 'no_rule',
      [STATUS]: 'no_rule',
    })
  })

  await t.test('no policy in force: 503', async (t) => {
    await world.sql('delete from policy_active')
    const asking = world.ask(worker(support), HANDOVER)
    await t.rejects(asking, { code: 'policy_changing', statusCode: 503 })
  })
})

t.test(
  'a preview says what the call would, leaves no ledger, tells nobody and opens nothing',
  async (t) => {
    let opened = 0
    const { world, support, police } = await scene(t, {
      wrapVault: (vault) => ({
        ...vault,
        open: (...given) => {
          opened += 1
          return vault.open(...given)
        },
      }),
    })
    await world.deposit(support, {
      type: 'contact_location',
      about: world.ids.ana,
      fields: { safe_phone: '+38640555012' },
      from: { informant: 'V', by: world.ids.ana },
    })
    const request = {
      caseId: world.ids.caseId,
      subjectId: world.ids.ana,
      purpose: 'safety_urgent',
      fields: ['contact_location.*'],
      justification: 'not seen since midnight',
      exception: { code: 'break_glass', note: 'call at 02:00' },
    } as const
    const caller = police.as('police_officer')
    const preview = await world.services.discloseFields(caller, request, { kind: 'preview' })
    t.equal(opened, 0)
    t.match(await rows(world), {
      disclosure: 1,
      audit_event: 1,
      release_ledger: 0,
      released_fields: 0,
      review_task: 0,
      notice: 0,
      idempotency: 0,
    })
    const real = await world.ask(caller, request)
    t.equal(opened, 1)
    const bare = real.answer.fields.map(({ value: _, ...rest }) => rest)
    t.same(preview.answer.fields, bare)
    t.equal(preview.answer.outcome, real.answer.outcome)
    await t.rejects(world.services.viewDisclosure(caller, preview.answer.id), { code: 'not_found' })
  },
)
