/** A case with a canary in every place that takes words, and everything that is done with it over the API. */
import { randomUUID } from 'node:crypto'
import { CompactSign, importJWK } from 'jose'
import type { Catalogue } from '../../src/domain/catalogue/types.ts'
import type { PractitionerRole } from '../../src/domain/case/vocabulary.ts'
import { readAnswer } from '../support/agency-client.ts'
import type { Canary } from '../support/canaries.ts'
import { STAFF } from '../support/lakeside-case.ts'
import { type Agency, type AgencyName, CAST, type World } from '../support/world.ts'
import { sendRubbish } from './rubbish.ts'
import type { Secrets } from './secrets.ts'
import { note, type Told } from './told.ts'

export interface Life {
  readonly told: readonly Told[]
  readonly agencies: Readonly<Record<AgencyName, Agency>>
  readonly caseId: string
}

export interface Scene extends Life {
  readonly world: World
  readonly secrets: Secrets
  readonly catalogue: Catalogue
  readonly told: Told[]
  readonly persons: Readonly<Record<'ana' | 'marko' | 'lea', string>>
}

/** Who holds which records, about whom. `contact_location` is split, since no record is about two. */
const HOLDERS: Readonly<Record<string, readonly [AgencyName, 'ana' | 'marko' | 'lea' | 'case'][]>> =
  {
    child: [['childProtection', 'lea']],
    conference: [['police', 'case']],
    contact_location: [
      ['support', 'ana'],
      ['police', 'marko'],
    ],
    criminal_proceedings: [['prosecution', 'marko']],
    feedback: [['programme', 'marko']],
    health: [['hospital', 'ana']],
    incident: [['police', 'case']],
    language_support: [['police', 'case']],
    mental_health: [['hospital', 'ana']],
    migration: [['support', 'ana']],
    needs_assessment: [['support', 'ana']],
    partner_contact: [['support', 'ana']],
    person: [['police', 'marko']],
    police_report: [['police', 'marko']],
    programme_engagement: [['programme', 'marko']],
    protection_order: [['prosecution', 'marko']],
    referral: [['police', 'marko']],
    risk_assessment: [['support', 'ana']],
    safety_plan: [['support', 'ana']],
    substance_use: [['hospital', 'ana']],
    victim_support: [['support', 'ana']],
  }

/** Who works on cases, by agency, and how its own word is coded. */
const WORKERS: Readonly<Record<AgencyName, readonly [PractitionerRole, string]>> = {
  police: ['police_officer', 'PO'],
  prosecution: ['prosecutor', 'PR'],
  programme: ['pp_case_manager', 'PP'],
  support: ['vss_advocate', 'VS'],
  childProtection: ['cp_worker', 'CP'],
  hospital: ['physician', 'HE'],
}

/** Lives through it all; gives every answer that anybody got. */
export async function live(world: World, secrets: Secrets, catalogue: Catalogue): Promise<Life> {
  const agencies = {} as Record<AgencyName, Agency>
  for (const name of Object.keys(CAST) as AgencyName[])
    agencies[name] = await world.onboard(
      { ...CAST[name], name: secrets.text('plain', 'agency name') },
      STAFF[name],
    )
  const opened = await openCase({ world, secrets, catalogue, agencies })
  const records = await depositAll(opened)
  await agree(opened)
  await changeRecords(opened, records)
  await ask(opened)
  await consentAndWithdraw(opened)
  await breakTheGlass(opened)
  await lookAround(opened)
  await sendRubbish(opened, records)
  return opened
}

async function openCase(
  given: Pick<Scene, 'world' | 'secrets' | 'catalogue' | 'agencies'>,
): Promise<Scene> {
  const { secrets, agencies } = given
  const [reference, ana, marko, lea] = ['case', 'ana', 'marko', 'lea'].map((name) =>
    secrets.text('sealed', `local reference of ${name}`),
  )
  const told: Told[] = []
  const persons = [
    { role: 'victim', localId: ana },
    { role: 'perpetrator_alleged', localId: marko },
    { role: 'child_witness', localId: lea },
  ]
  const answer = await note(
    told,
    'createCase',
    201,
    () =>
      agencies.police.call('police_officer', 'POST', '/v1/cases', {
        body: { reference, actsFor: 'all', persons },
      }),
    [...secrets.sealed],
  )
  const caseId: string = answer.body.id
  const idOf = (role: string): string =>
    answer.body.persons.find((person: { role: string }) => person.role === role).id
  for (const name of Object.keys(CAST) as AgencyName[])
    if (name !== 'police')
      await note(told, 'addMember', 201, () =>
        agencies.police.call('police_officer', 'POST', `/v1/cases/${caseId}/members`, {
          body: { agencyId: agencies[name].id, actsFor: CAST[name].actsFor },
        }),
      )
  const ids = {
    ana: idOf('victim'),
    marko: idOf('perpetrator_alleged'),
    lea: idOf('child_witness'),
  }
  return { ...given, told, caseId, persons: ids }
}

export interface Deposited {
  readonly id: string
  readonly type: string
  readonly holder: AgencyName
  readonly about: keyof Scene['persons'] | 'case'
}

async function depositAll(scene: Scene): Promise<Deposited[]> {
  const { agencies, caseId, persons, catalogue } = scene
  const deposited: Deposited[] = []
  for (const { type } of catalogue.records)
    for (const [holder, about] of HOLDERS[type] ?? []) {
      const [role] = WORKERS[holder]
      const answer = await note(scene.told, `depositRecord ${type}`, 201, () =>
        agencies[holder].call(role, 'POST', `/v1/cases/${caseId}/records`, {
          body: {
            type,
            ...(about === 'case' ? {} : { subjectId: persons[about] }),
            ...valuesOf(scene, { type, holder, about }, 1),
          },
        }),
      )
      deposited.push({ id: answer.body.id, type, holder, about })
    }
  return deposited
}

/** Every field that a record about this person may hold, with where it comes from. */
function valuesOf(
  { secrets, catalogue, world }: Scene,
  { type, holder, about }: Omit<Deposited, 'id'>,
  turn: 1 | 2,
) {
  const party = { ana: 'victim', marko: 'perpetrator', lea: 'child', case: 'case' }[about]
  const definitions = catalogue.recordsByType[type]!.fields.filter(
    ({ subjects }) => subjects.includes('any') || subjects.some((subject) => subject === party),
  )
  const all = secrets.record(type, turn)
  const at = world.clock.now().toISOString()
  const say = (what: string) => secrets.text('plain', what)
  return {
    fields: Object.fromEntries(definitions.map(({ name }) => [name, all[name]])),
    provenance: {
      informant: WORKERS[holder][1],
      kind: 'fact',
      collectedAt: at,
      verifiedAt: at,
      verifiedBy: say('verifiedBy'),
      method: say('method'),
      reliability: say('reliability'),
    },
    conditions: [say('condition')],
  }
}

async function agree({ told, agencies, secrets }: Scene): Promise<void> {
  const { support, programme } = agencies
  const body = {
    title: secrets.text('plain', 'agreement title'),
    parties: [support.id, programme.id],
    purposes: ['partner_contact', 'risk_management'],
    validFrom: '2026-01-01T00:00:00Z',
    validTo: '2028-01-01T00:00:00Z',
    documentRef: secrets.text('plain', 'documentRef'),
    signatories: [secrets.text('plain', 'signatory')],
    scope: secrets.text('plain', 'agreement scope'),
    terms: [secrets.text('plain', 'agreement terms')],
  }
  for (const end of [false, true]) {
    const made = await note(told, 'createAgreement', 201, () =>
      support.call('org_admin', 'POST', '/v1/agreements', { body }),
    )
    const path = `/v1/agreements/${made.body.id}`
    await note(told, 'acceptAgreement', 200, () =>
      programme.call('org_admin', 'POST', `${path}/acceptance`, {
        body: { signatory: secrets.text('plain', 'signatory') },
      }),
    )
    const reason = secrets.text('plain', 'reason of termination')
    if (end)
      await note(told, 'terminateAgreement', 200, () =>
        support.call('org_admin', 'POST', `${path}/termination`, {
          body: { reason },
        }),
      )
  }
}

/** A second version of each with other values; then one is contested and one verified, with words. */
async function changeRecords(scene: Scene, records: readonly Deposited[]): Promise<void> {
  const { told, agencies, secrets, world } = scene
  for (const record of records)
    await note(told, `amendRecord ${record.type}`, 200, () =>
      agencies[record.holder].call(WORKERS[record.holder][0], 'PATCH', `/v1/records/${record.id}`, {
        body: valuesOf(scene, record, 2),
        headers: { 'if-match': '"1"' },
      }),
    )
  const plan = records.find(({ type }) => type === 'safety_plan')!
  await note(told, 'contestFields', 201, () =>
    agencies.support.call('vss_advocate', 'POST', `/v1/records/${plan.id}/contestations`, {
      body: { fields: ['measures'], note: secrets.text('sealed', 'note of a contestation') },
    }),
  )
  await note(told, 'verifyFields', 201, () =>
    agencies.support.call('vss_advocate', 'POST', `/v1/records/${plan.id}/verifications`, {
      body: {
        fields: ['escape_route'],
        verifiedAt: world.clock.now().toISOString(),
        verifiedBy: secrets.text('plain', 'verifiedBy'),
        method: secrets.text('plain', 'method'),
      },
    }),
  )
}

/** What each agency wrote itself, what of it others get, what nobody gets; each also as a preview. */
async function ask(scene: Scene): Promise<void> {
  const { told, agencies, catalogue, persons, caseId, secrets } = scene
  const everything = catalogue.records.map(({ type }) => `${type}.*`)
  const purposes = ['case_conference', 'safety_urgent', 'care_treatment', 'criminal_investigation']
  for (const [name, [role]] of Object.entries(WORKERS) as [
    AgencyName,
    (typeof WORKERS)[AgencyName],
  ][])
    for (const subjectId of Object.values(persons))
      for (const [index, purpose] of purposes.entries()) {
        const body = {
          ...{ caseId, subjectId, purpose, fields: everything },
          justification: secrets.text('sealed', 'justification'),
          ethicsNote: secrets.text('sealed', 'ethics note'),
        }
        const key = randomUUID()
        const send = (path: string) =>
          agencies[name].call(role, 'POST', path, { body, idempotencyKey: key })
        await note(told, 'previewDisclosure', 200, () => send('/v1/disclosures/preview'))
        await note(told, 'requestDisclosure', 201, () => send('/v1/disclosures'))
        if (index === 0)
          await note(told, 'requestDisclosure, again', 201, () => send('/v1/disclosures'))
      }
  const { support } = agencies
  const sealingKey = Buffer.alloc(32, 9).toString('base64url')
  const entry = await note(told, 'getAgency', 200, () =>
    support.call('org_admin', 'GET', `/v1/agencies/${support.id}`),
  )
  await note(told, 'updateAgency', 200, () =>
    support.call('org_admin', 'PATCH', `/v1/agencies/${support.id}`, {
      body: { sealingKey },
      headers: { 'if-match': entry.headers.get('etag') ?? '' },
    }),
  )
  await note(told, 'requestDisclosure, sealed', 201, () =>
    support.call('vss_advocate', 'POST', '/v1/disclosures', {
      body: {
        ...{ caseId, subjectId: persons.ana, purpose: 'safety_urgent', fields: everything },
        seal: true,
      },
    }),
  )
}

async function consentAndWithdraw({
  told,
  agencies,
  secrets,
  persons,
  caseId,
}: Scene): Promise<void> {
  const { support, programme } = agencies
  const consent = await note(told, 'recordConsent', 201, () =>
    support.call('vss_advocate', 'POST', '/v1/consents', {
      body: {
        caseId,
        subjectId: persons.ana,
        items: [
          {
            purpose: 'risk_management',
            recipient: { agencyId: programme.id },
            fields: ['risk_assessment.risk_level'],
          },
        ],
        explicit: true,
        separate: true,
        conditionOfService: false,
        coercionChecked: true,
        inAbsenceOfOtherParty: true,
        language: 'sl',
        noticeVersion: secrets.text('plain', 'noticeVersion'),
        evidenceRef: secrets.text('plain', 'evidenceRef'),
        capacityCheckedBy: secrets.text('plain', 'capacityCheckedBy'),
        interpreterId: secrets.text('plain', 'interpreterId'),
      },
    }),
  )
  await note(told, 'withdrawConsent', 200, () =>
    support.call('vss_advocate', 'POST', `/v1/consents/${consent.body.id}/withdrawal`, {
      body: { note: secrets.text('sealed', 'note of a withdrawal') },
    }),
  )
}

/** A claimed exception, which somebody else has to look at, with the notes of both. */
async function breakTheGlass(scene: Scene): Promise<void> {
  const { told, agencies, secrets, persons, caseId } = scene
  const { police } = agencies
  const before = secrets.sealed.length
  const asked = await note(told, 'requestDisclosure, glass broken', 201, () =>
    police.call('police_officer', 'POST', '/v1/disclosures', {
      body: {
        ...{ caseId, subjectId: persons.ana, purpose: 'safety_urgent' },
        fields: ['contact_location.*', 'safety_plan.*'],
        justification: secrets.text('sealed', 'justification'),
        ethicsNote: secrets.text('sealed', 'ethics note'),
        exception: { code: 'break_glass', note: secrets.text('sealed', 'note of an exception') },
      },
    }),
  )
  const notes = secrets.sealed.slice(before)
  const reviews = await note(
    told,
    'listReviews',
    200,
    () => police.call('org_admin', 'GET', '/v1/reviews?limit=200'),
    notes,
  )
  const { hash } = reviews.body.items.find(
    (task: { disclosureId: string }) => task.disclosureId === asked.body.id,
  )
  const decision = 'approve'
  const { privateJwk } = police.people.get('org_admin')!
  const signature = await new CompactSign(Buffer.from(JSON.stringify({ hash, decision })))
    .setProtectedHeader({ alg: 'ES256' })
    .sign(await importJWK(privateJwk, 'ES256'))
  await note(
    told,
    'reviewDisclosure',
    200,
    () =>
      police.call('org_admin', 'POST', `/v1/disclosures/${asked.body.id}/review`, {
        body: { decision, note: secrets.text('sealed', 'note of a review'), signature },
      }),
    notes,
  )
}

/** Everything that can be read. */
async function lookAround(scene: Scene): Promise<void> {
  const { told, agencies, world, caseId, secrets } = scene
  const own = secrets.sealed.filter(({ field }) => field.startsWith('local reference'))
  world.clock.advance(40 * 3_600_000)
  await world.ostiary.runClocks()
  await world.ostiary.publish()
  for (const [name, agency] of Object.entries(agencies) as [AgencyName, Agency][]) {
    const [worker] = WORKERS[name]
    const get = (role: PractitionerRole, path: string, mayHold: readonly Canary[] = []) =>
      note(told, `GET ${path}`, 200, () => agency.call(role, 'GET', path), mayHold)
    await get(worker, `/v1/cases/${caseId}`, name === 'police' ? own : [])
    for (const role of [worker, 'org_admin'] as const) await get(role, '/v1/notices?limit=200')
    for (const direction of ['made', 'received']) {
      const list = await get(worker, `/v1/disclosures?direction=${direction}&limit=200`)
      if (direction === 'made') continue
      for (const { id } of list.body.items.slice(0, 5)) {
        await get(worker, `/v1/disclosures/${id}`)
        await get(worker, `/v1/disclosures/${id}/proof`)
      }
    }
    for (const path of ['/v1/agencies', '/v1/policies', '/v1/policies/versions'])
      await get('org_admin', path)
    if (agency.people.has('dpo')) await readAuditLog(told, agency, secrets)
  }
  for (const path of ['/openapi.yaml', '/docs', '/health/live', '/health/ready', '/log/checkpoint'])
    await note(told, `GET ${path}`, 200, async () =>
      readAnswer(await fetch(`${world.address}${path}`)),
    )
}

/** What an officer finds, opens, proves and exports; words that were written are in opened events alone. */
async function readAuditLog(told: Told[], agency: Agency, secrets: Secrets): Promise<void> {
  const words = secrets.sealed.filter(({ field }) => !field.startsWith('local reference'))
  const use = 'lawfulUse=lawfulness_check'
  const get = (path: string, mayHold: readonly Canary[] = []) =>
    note(told, `GET ${path}`, 200, () => agency.call('dpo', 'GET', path), mayHold)
  for (const filter of [{}, { class: 'disclose' }, { view: 'source' }, { exception: 'any' }]) {
    const found = await note(told, 'searchAuditEvents', 200, () =>
      agency.call('dpo', 'POST', '/v1/audit/search?limit=200', {
        body: { lawfulUse: 'lawfulness_check', ...filter },
      }),
    )
    for (const { id, agencyId } of found.body.items.slice(0, 15)) {
      const own = agencyId === agency.id
      await get(`/v1/audit/events/${id}?${use}`, own ? words : [])
      if (own) await get(`/v1/audit/events/${id}/proof?${use}`)
    }
  }
  for (const format of ['jsonl', 'csv']) await get(`/v1/audit/export?${use}&format=${format}`)
}
