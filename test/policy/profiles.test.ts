// Settings, profiles and packs: what national law may set, where each value comes from, and every fault.
import { Ajv2020 } from 'ajv/dist/2020.js'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'

import { loadConfig } from '../../src/config.ts'
import { changedStatements, concernsSector } from '../../src/domain/policy/changed-statements.ts'
import { checkPack, packHash } from '../../src/domain/policy/check-pack.ts'
import { policyHash } from '../../src/domain/policy/compile.ts'
import { compileParsedPack } from '../../src/domain/policy/compile-pack.ts'
import { describeFault } from '../../src/domain/policy/fault.ts'
import { jsonSchema } from '../../src/domain/policy/json-schema.ts'
import { parseDocument, parsePolicy } from '../../src/domain/policy/parse.ts'
import { MAX_PACK_DOCUMENTS, MAX_PACK_STATEMENTS } from '../../src/domain/policy/resolve-pack.ts'
import type { PackDocument, WrittenPolicy } from '../../src/domain/policy/settings.ts'
import { SHAPE_OF_KIND } from '../../src/domain/policy/settings-grammar.ts'
import { SETTING_TYPES, settingTypeOf } from '../../src/domain/policy/setting-types.ts'
import { list, name } from '../../src/domain/policy/shape.ts'
import { listPacks, readPolicyPack, UnknownPackError } from '../../src/files/policies.ts'
import { compilePack, parsePack, PolicyFaults } from '../../src/services/policy-versions.ts'
import { readFirstPolicy } from '../../src/wire/first-policy.ts'
import { catalogue, vocabulary } from './arbitraries.ts'

const SETTINGS = `settings: default
title: What may differ
source: [GDPR art. 6]
declare:
  referral: { type: switch, default: true, title: Automatic referral, source: [Directive 2012/29/EU art. 8] }
  couples: { type: switch, default: false, title: Couple work }
  deadline: { type: duration, default: PT24H, title: By when }
  conveners: { type: sectors, default: [police, coordination_body], title: Who convenes }
  shared: { type: fields, default: [person.full_name], title: What goes }
`

const RULES = `policy: rules
title: Rules that leave something to national law
source: [Istanbul Convention art. 18]
permit:
  - id: A-name
    onlyIf: [referral]
    unlessIf: [couples]
    from: { sector: $conveners }
    to: { sector: [victim_support] }
    purpose: [referral]
    fields: $shared
    necessary: { because: she needs support }
    basis: { gdpr: [A6-1-c], consent: not_needed }
    expiresAfter: $deadline
  - id: B-status
    to: { sector: [victim_support] }
    purpose: [safety_urgent]
    fields: [programme_engagement.status]
    necessary: { because: she needs to know }
    timely: { maxAge: $deadline }
    basis: { gdpr: [A6-1-d], art10: authorised, consent: not_needed }
forbid:
  - id: X-court
    to: { sector: [court] }
    fields: [person.full_name]
    explain: reason
    unless: []
duty:
  - id: D-dropout
    when: { recorded: programme_engagement.dropout_at }
    notify: { sector: [victim_support] }
    within: $deadline
    then: { at: $deadline, escalate_to: sender_admin }
`

const profile = (id: string, more: string) =>
  `profile: ${id}\ntitle: A country\nsource: [A law]\n${more}`

/** Parses texts as the files `a.yaml`, `b.yaml`, … */
function parsed(texts: readonly string[]) {
  return texts.map((text, i) => {
    const result = parseDocument(text, `${String.fromCharCode(97 + i)}.yaml`)
    if (!result.ok) throw new Error(result.faults.map(describeFault).join('\n'))
    return result.parsed
  })
}

const resolve = (...texts: readonly string[]) => checkPack(parsed(texts), catalogue, vocabulary)
const said = (...texts: readonly string[]) => resolve(...texts).faults.map(describeFault)

t.test('values stand where rules refer to them', async (t) => {
  const { faults, documents, settings, profiles } = resolve(SETTINGS, RULES)
  t.same(faults, [])
  t.same(profiles, [])
  const [rules] = documents
  t.same(rules?.permit?.[0]?.from, { sector: ['police', 'coordination_body'] })
  t.same(rules?.permit?.[0]?.fields, ['person.full_name'])
  t.equal(rules?.permit?.[0]?.expiresAfter, 'PT24H')
  t.equal(rules?.permit?.[1]?.timely?.maxAge, 'PT24H')
  t.same(rules?.duty?.[0]?.then, { at: 'PT24H', escalate_to: 'sender_admin' })
  t.notOk(JSON.stringify(documents).includes('onlyIf'), 'switches are gone')
  t.same(settings['deadline'], {
    type: 'duration',
    title: 'By when',
    value: 'PT24H',
    origin: { document: 'settings default', file: 'a.yaml', source: ['GDPR art. 6'] },
  })
  t.same(settings['referral']?.origin.source, ['Directive 2012/29/EU art. 8'], 'its own source')
  t.same(Object.keys(settings), ['conveners', 'couples', 'deadline', 'referral', 'shared'])
})

t.test(
  'a profile sets values, each with its origin, over the profile that it extends',
  async (t) => {
    const europe = profile(
      'europe',
      'set:\n  deadline: { value: PT12H, source: [Law E] }\n  conveners: { value: [court], source: [Law E] }\n',
    )
    const austria = profile(
      'austria',
      'extends: europe\nset: { conveners: { value: [police], source: [Law A] } }\n',
    )
    for (const order of [
      [SETTINGS, RULES, europe, austria],
      [austria, europe, RULES, SETTINGS],
    ]) {
      const { faults, settings, profiles, documents } = resolve(...order)
      t.same(faults.map(describeFault), [])
      t.same(profiles, ['europe', 'austria'])
      t.match(settings['deadline'], { value: 'PT12H', origin: { document: 'profile europe' } })
      t.match(settings['conveners'], {
        value: ['police'],
        origin: { document: 'profile austria', source: ['Law A'] },
      })
      t.equal(documents[0]?.duty?.[0]?.within, 'PT12H')
      t.same(documents[0]?.permit?.[0]?.from, { sector: ['police'] })
    }
  },
)

t.test('switches and profiles leave rules out, and say so', async (t) => {
  const off = profile('x', 'set: { referral: { value: false, source: [Law] } }\n')
  const { faults, documents, leftOut } = resolve(SETTINGS, RULES, off)
  t.same(faults, [])
  t.same(
    documents[0]?.permit?.map(({ id }) => id),
    ['B-status'],
  )
  t.match(leftOut, [
    { id: 'A-name', because: 'switch', setting: 'referral', origin: { document: 'profile x' } },
  ])
  const on = profile('x', 'set: { couples: { value: true, source: [Law] } }\n')
  t.match(resolve(SETTINGS, RULES, on).leftOut, [{ id: 'A-name', setting: 'couples' }])

  const drops = profile(
    'x',
    'drop: { B-status: { source: [Law] }, D-dropout: { source: [Law] } }\n',
  )
  const dropped = resolve(SETTINGS, RULES, drops)
  t.same(dropped.faults, [])
  t.equal(dropped.documents[0]?.duty, undefined, 'no empty list remains')
  t.match(dropped.leftOut, [
    { id: 'B-status', because: 'drop', origin: { source: ['Law'] } },
    { id: 'D-dropout', because: 'drop' },
  ])
})

t.test('a rule that is left out is checked like any other', async (t) => {
  const wrong = RULES.replace('[victim_support]', '[victim_suport]')
  const off = profile('x', 'set: { referral: { value: false, source: [Law] } }\n')
  t.same(said(SETTINGS, wrong, off), [
    'b.yaml:9:20 unknown sector `victim_suport`, did you mean `victim_support`?',
  ])
})

t.test('ages of fields: the narrowest selector of the most special profile counts', async (t) => {
  const base = profile(
    'base',
    'freshness:\n  programme_engagement.*: { value: P5D, source: [Law] }\n  programme_engagement.status: { value: P3D, source: [Law] }\n',
  )
  const leaf = profile(
    'leaf',
    'extends: base\nfreshness: { programme_engagement/att: { value: PT36H, source: [Law L] } }\n',
  )
  const { faults, freshness } = resolve(SETTINGS, RULES, base, leaf)
  t.same(faults.map(describeFault), [])
  const of = (id: string) => freshness.get(catalogue.fieldsById[id]?.index ?? -1)
  t.equal(of('programme_engagement.status')?.duration, 'P3D')
  t.equal(of('programme_engagement.last_attended_at')?.duration, 'PT36H')
  t.equal(of('programme_engagement.last_attended_at')?.ms, 129_600_000)
  t.match(of('programme_engagement.last_attended_at')?.origin, { document: 'profile leaf' })
  t.equal(of('programme_engagement.accountability_level')?.duration, 'P5D')
  t.equal(of('programme_engagement.dropout_at'), undefined, 'an event never goes stale')
})

t.test('every fault at once, each at its place, with the nearest valid name', async (t) => {
  const settings = `${SETTINGS}  unread: { type: age, default: 16, title: Nobody reads it }
  late: { type: duration, default: P1M, title: No month, readBy: the clock }
  young: { type: age, default: 12.5, title: No half year, readBy: the clock }
  odd: { type: sectors, default: [polce], title: No such sector, readBy: the clock }
  none: { type: fields, default: [person.nme], title: No such field, readBy: the clock }
`
  const rules = RULES.replace('$conveners', '$convener')
    .replace('fields: $shared', 'fields: $conveners')
    .replace('onlyIf: [referral]', 'onlyIf: [referral, referal, deadline]')
    .replace('within: $deadline', 'within: $shared')
  const country = profile(
    'x',
    `extends: y
set:
  dedline: { value: PT12H, source: [Law] }
  deadline: { value: soon, source: [Law] }
  referral: { value: [police], source: [Law] }
  couples: { value: 1, source: [Law] }
freshness:
  person.full_nam: { value: P1D, source: [Law] }
  incident.occurred_at: { value: P1D, source: [Law] }
  person.full_name: { value: PT0S, source: [Law] }
drop:
  A-nme: { source: [Law] }
  X-court: { source: [Law] }
`,
  )
  t.same(said(settings, rules, country), [
    'a.yaml:10:3 no rule reads `unread`: remove it, or say `readBy`',
    'a.yaml:11:36 `P1M` is not an ISO 8601 duration in weeks, days, hours, minutes or seconds, such as `P30D` or `PT24H`',
    'a.yaml:12:32 this must be a whole number',
    'a.yaml:13:35 unknown sector `polce`, did you mean `police`?',
    'a.yaml:14:35 `person.nme` matches no field of the catalogue, did you mean `person.*`?',
    'b.yaml:6:24 unknown setting `referal`, did you mean `referral`?',
    'b.yaml:6:33 `deadline` is of type duration, not a switch',
    'b.yaml:8:21 unknown setting `convener`, did you mean `conveners`?',
    'b.yaml:11:13 `conveners` is of type sectors, and here must be fields',
    'b.yaml:32:13 `shared` is of type fields, and here must be duration',
    'c.yaml:4:10 unknown profile `y`, did you mean `x`?',
    'c.yaml:6:3 unknown setting `dedline`, did you mean `deadline`?',
    'c.yaml:7:22 `soon` is not an ISO 8601 duration in weeks, days, hours, minutes or seconds, such as `P30D` or `PT24H`',
    'c.yaml:8:15 this must be true or false',
    'c.yaml:9:21 this must be true or false',
    'c.yaml:11:3 `person.full_nam` matches no field of the catalogue, did you mean `person.full_name`?',
    'c.yaml:12:3 `incident.occurred_at` never goes stale',
    'c.yaml:13:30 a value that is stale at once could never be used',
    'c.yaml:15:3 unknown rule `A-nme`, did you mean `A-name`?',
    'c.yaml:16:3 `X-court` is a forbid; a profile can drop permits and duties alone',
  ])
})

t.test('which profile is in force must be clear', async (t) => {
  t.same(said(SETTINGS, RULES, profile('a', 'extends: b\n'), profile('b', 'extends: a\n')), [
    'd.yaml:4:10 `a` extends itself: a → b → a',
  ])
  t.same(said(SETTINGS, RULES, profile('a', 'extends: a\n')), [
    'c.yaml:4:10 `a` extends itself: a → a',
  ])
  t.same(said(SETTINGS, RULES, profile('a', ''), profile('b', '')), [
    'd.yaml:1:10 only one profile can be in force, and `a` is another one that no profile extends',
  ])
  t.same(said(SETTINGS, RULES, profile('a', ''), profile('a', '')), [
    'd.yaml:1:10 profile id `a` is already taken',
  ])
  t.same(said(SETTINGS, RULES, SETTINGS).slice(0, 2), [
    'c.yaml:1:11 settings id `default` is already taken',
    'c.yaml:5:3 setting `referral` is already declared',
  ])
})

t.test('documents of the wrong shape', async (t) => {
  const faults = (text: string) => {
    const result = parseDocument(text, 'x.yaml')
    return result.ok ? [] : result.faults.map(describeFault)
  }
  t.same(faults(profile('a', 'set: { x: { value: 1 } }\n')), [
    'x.yaml:4:11 key `source` is missing',
  ])
  t.same(
    faults(profile('a', 'set: { x: { value: 1, source: [L] }, x: { value: 2, source: [L] } }\n')),
    ['x.yaml:4:38 key `x` stands here twice'],
  )
  t.same(faults(profile('a', 'set: {}\n')), ['x.yaml:4:6 an empty mapping says nothing'])
  t.same(faults(profile('a', 'set: { x: { value: { y: 1 }, source: [Law] } }\n')), [
    'x.yaml:4:20 this must be true or false, a number, a text or a list of texts',
  ])
  t.same(faults(profile('a', 'policy: b\n')), ['x.yaml:4:1 unknown key `policy`'])
  t.same(faults(SETTINGS.replace('type: switch', 'type: swich')), [
    'x.yaml:5:21 `swich` is not one of ' +
      SETTING_TYPES.map((type) => `\`${type}\``).join(', ') +
      ', did you mean `switch`?',
  ])
  t.same(faults(RULES.replace('[court]', '[$conveners]')), [], 'no reference inside of a list …')
  t.same(said(SETTINGS, RULES.replace('[court]', '[$conveners]')), [
    'b.yaml:24:20 unknown sector `$conveners`',
  ])
  t.match(faults(RULES.replace('[court]', '$')), ['x.yaml:24:19 this must be a list'])
})

t.test('a lone policy document neither refers to settings nor hangs on switches', async (t) => {
  const result = parsePolicy(RULES, 'x.yaml')
  const told = result.ok ? [] : result.faults.map(describeFault)
  t.ok(told.includes('x.yaml:6:5 unknown key `onlyIf`'), String(told))
  t.ok(told.includes('x.yaml:8:21 this must be a list'), String(told))
})

t.test('one hash over the whole pack, whatever the order', async (t) => {
  const documents = parsePack(
    [SETTINGS, RULES, profile('a', '')].map((text, i) => ({ file: `${i}.yaml`, text })),
  )
  const { hash, program, settings } = compilePack(documents, catalogue)
  t.equal(program.hash, hash)
  t.equal(packHash([...documents].reverse()), hash)
  t.equal(settings['deadline']?.value, 'PT24H')
  const stored = JSON.parse(JSON.stringify(documents)) as typeof documents
  t.equal(compilePack(stored, catalogue).hash, hash, 'the same when read back')
  const changed = parsePack([
    { file: 'x', text: SETTINGS.replace('PT24H', 'PT23H') },
    { file: 'y', text: RULES },
    { file: 'z', text: profile('a', '') },
  ])
  t.not(compilePack(changed, catalogue).hash, hash, 'a setting is part of it')
  const lone = parsePack([
    { file: 'y', text: SETTINGS },
    { file: 'x', text: RULES },
  ]).filter((document) => 'policy' in document)
  t.equal(packHash(lone), policyHash(lone as never), 'policies alone hash as they always did')
  t.throws(() => compilePack(lone, catalogue), PolicyFaults, 'references need their settings')
})

t.test('the purposes of the LED are taken from the settings', async (t) => {
  const led = `${SETTINGS}  led_purposes: { type: purposes, default: [prosecution_trial], title: LED, readBy: the regime }\n`
  const compiled = compileParsedPack(parsed([led, RULES]), catalogue, vocabulary)
  t.same(compiled.ok && compiled.program.ledPurposes, ['prosecution_trial'])
})

t.test('bombs and long chains end soon', { timeout: 60_000 }, async (t) => {
  // Processor time, so that what else the machine does makes no difference.
  const soon = (what: string, work: () => unknown, ms = 4000) => {
    const start = process.cpuUsage()
    work()
    const took = process.cpuUsage(start).user / 1000
    t.ok(took < ms, `${what}: ${Math.round(took)} ms`)
  }
  const many = Array.from({ length: 400 }, (_, i) =>
    profile(`p${i}`, i === 399 ? 'extends: p0\n' : `extends: p${i + 1}\n`),
  )
  soon('a circle of 400', () => {
    const told = said(SETTINGS, RULES, ...many)
    t.equal(told.length, 1)
    t.ok((told[0]?.length ?? 0) < 400, 'told shortly')
  })
  soon('400 leaves', () => {
    const leaves = Array.from({ length: 400 }, (_, i) => profile(`p${i}`, ''))
    t.equal(said(SETTINGS, RULES, ...leaves).length, 200)
  })
  soon('too many documents', () => {
    const flood = Array.from({ length: MAX_PACK_DOCUMENTS + 1 }, () => parsed([SETTINGS])[0]!)
    t.same(
      checkPack(flood, catalogue, vocabulary).faults.map(({ code }) => code),
      ['too_large'],
    )
  })
  soon('too many statements, which would hold a server up while they are compiled', () => {
    const [one] = parsed([RULES])
    const permit = (one!.document as WrittenPolicy).permit as unknown[]
    const many = Array.from({ length: MAX_PACK_STATEMENTS + 1 }, () => permit[0])
    const flood = { ...one!, document: { ...one!.document, permit: many } as PackDocument }
    t.same(
      checkPack([flood], catalogue, vocabulary).faults.map(({ code }) => code),
      ['too_large'],
    )
  })
  const declared = Array.from(
    { length: 900 },
    (_, i) =>
      `  a_rather_long_name_of_a_setting_that_nobody_needs_${i}: { type: switch, default: true, title: x }\n`,
  )
  soon('settings without end, and references to none of them', () => {
    const refs = Array.from(
      { length: 3000 },
      (_, i) => `a_rather_long_name_of_a_setting_that_nobody_knows_${i}`,
    )
    const rules = RULES.replace('onlyIf: [referral]', `onlyIf: [${refs.join(', ')}]`)
    const told = resolve(SETTINGS + declared.slice(0, 900).join(''), rules).faults
    t.ok(told.some(({ code }) => code === 'too_large'))
    t.equal(told.length, 200)
  })
  soon('one setting in thousands of places', () => {
    const plain = catalogue.fields.filter(({ categories }) => categories.join('') === 'O')
    const selectors = plain.map(({ id }) => id)
    const wide = SETTINGS.replace('[person.full_name]', `[${selectors.join(', ')}]`)
    const rules = Array.from(
      { length: 1500 },
      (_, i) =>
        `  - { id: X-${i}, fields: $shared, unless: [], explain: reason, to: { sector: [court] } }\n`,
    )
    t.same(said(wide, RULES.replace('forbid:\n', `forbid:\n${rules.join('')}`)), [])
  })
  soon('aliases in a profile', () => {
    const bomb = `profile: x\nset: &a { b: *a }\n`
    t.equal(parseDocument(bomb, 'x').ok, false)
  })
  soon('ten megabytes', () => {
    const result = parseDocument(profile('x', `# ${'x'.repeat(10_000_000)}\n`))
    t.same(result.ok ? [] : result.faults.map(({ code }) => code), ['too_large'])
  })
  soon('names that objects inherit', () => {
    const told = said(
      SETTINGS,
      RULES.replace('$conveners', '$constructor').replace('[referral]', '[to_string, constructor]'),
    )
    t.equal(told.filter((text) => text.includes('unknown setting')).length, 3)
  })
})

t.test(
  'the published schema knows all three kinds, and references only where they fit',
  async (t) => {
    const schema = jsonSchema(Object.values(SHAPE_OF_KIND), vocabulary, 'Policy document', true)
    const validate = new Ajv2020({ strict: false }).compile(schema)
    const plain = (text: string) => parsed([text])[0]?.document
    for (const text of [
      SETTINGS,
      RULES,
      profile('a', 'set: { x: { value: [a], source: [L] } }\n'),
    ]) {
      t.ok(validate(plain(text)), JSON.stringify(validate.errors?.[0]))
    }
    t.notOk(validate({ ...plain(RULES), title: '$deadline', permit: '$deadline' }))
    t.notOk(validate({ ...plain(SETTINGS), declare: {} }))
    t.notOk(validate({ ...plain(profile('a', '')), set: { Big: { value: 1, source: ['L'] } } }))
  },
)

t.test('which settings fit which shape', async (t) => {
  t.equal(settingTypeOf(list(name('sector'))), 'sectors')
  t.equal(settingTypeOf(list(name('category'))), undefined)
  t.equal(settingTypeOf(name('sector')), undefined, 'a single word is no list')
  t.equal(settingTypeOf({ type: 'flag' }), undefined)
})

t.test('packs on disk', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'packs-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'base.yaml'), 'base')
  await writeFile(join(folder, 'base.test.yaml'), 'base test')
  t.same(await listPacks(folder), ['default'])
  await mkdir(join(folder, 'national/austria'), { recursive: true })
  await writeFile(join(folder, 'national/austria/profile.yaml'), 'profile')
  await writeFile(join(folder, 'national/austria/austria.test.yaml'), 'test')
  t.same(await listPacks(folder), ['default', 'austria'])
  const pack = await readPolicyPack(folder, 'austria')
  t.same(
    pack.documents.map(({ text }) => text),
    ['base', 'profile'],
  )
  t.same(
    pack.suites.map(({ text }) => text),
    ['test'],
    'the tests of the default pack belong to it alone',
  )
  t.equal((await readPolicyPack(folder, 'default')).documents.length, 1)
  await t.rejects(readPolicyPack(folder, 'autria'), new UnknownPackError('autria', ['austria']))
  await t.rejects(readPolicyPack(folder, '../..'), UnknownPackError)
})

t.test('the examples of the manual can be read', async (t) => {
  const manual = await readFile(join(import.meta.dirname, '../../docs/policies.md'), 'utf8')
  const examples = [...manual.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text ?? '')
  const written = examples.filter((text) => /^(settings|profile):/.test(text))
  t.equal(written.length, 2)
  for (const text of written) t.equal(parseDocument(text).ok, true, text)
})

t.test('a new server starts with the pack that it is told', async (t) => {
  const first = await readFirstPolicy(catalogue, 'default')
  const vienna = await readFirstPolicy(catalogue, 'vienna')
  t.not(vienna.hash, first.hash)
  const ids = (documents: readonly object[]) => documents.filter((one) => 'profile' in one)
  t.same([ids(first.documents).length, ids(vienna.documents).length], [0, 1])
  await t.rejects(readFirstPolicy(catalogue, 'viena'), /did you mean `vienna`/)
  t.equal(loadConfig({}).policyPack, 'default')
  t.equal(loadConfig({ OSTIARY_POLICY_PACK: 'move-ireland' }).policyPack, 'move-ireland')
  t.throws(() => loadConfig({ OSTIARY_POLICY_PACK: '../secrets' }), /OSTIARY_POLICY_PACK/)
})

t.test('a setting that no rule shows, and all rules go by, concerns every sector [R137]', (t) => {
  const pack = (settings: Readonly<Record<string, unknown>>) => ({
    documents: [],
    settings,
    freshness: {},
  })
  const concerned = (name: string) =>
    concernsSector(
      changedStatements(pack({ [name]: ['order_enforcement'] }), pack({ [name]: ['referral'] })),
      'perpetrator_programme',
    )
  t.ok(concerned('led_purposes'), 'the law that holds')
  t.notOk(concerned('conference_conveners'), 'it shows in the rules that read it')
  t.end()
})
