import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { AgencyClient } from '../../test/support/agency-client.ts'
import { realCatalogue } from '../../test/support/catalogue.ts'
import { canaryRecord } from '../../test/support/example-record.ts'
import { ROOT } from '../server-process.ts'

/** What a request of this bench is about. */
export interface CaseOfWorld {
  readonly caseId: string
  readonly subjectId: string
}

/** Who asks for what. */
export interface World {
  readonly requester: AgencyClient
  readonly practitioner: { readonly id: string; readonly role: string }
  readonly cases: readonly CaseOfWorld[]
  readonly fields: readonly string[]
}

interface Party {
  readonly agencyId: string
  readonly client: AgencyClient
  readonly practitioner: { readonly id: string; readonly role: string }
}

/**
 * Rules F2-automatic and F2-automatic-contact of the default pack release these to a victim support
 * service to which the police refer a victim: fifteen.
 */
const RELEASED: Readonly<Record<string, readonly string[]>> = {
  person: [
    'pseudonym_id',
    'full_name',
    'birth_date',
    'sex_gender',
    'languages',
    'disability_needs',
  ],
  incident: [
    'occurred_at',
    'place_type',
    'violence_types',
    'means_used',
    'persons_present',
    'children_present',
    'reported_to_police',
  ],
  language_support: ['language_dialect'],
  contact_location: ['safe_phone'],
}

/** The rest of the same records and of six others stays: forty-five. */
const WITHHELD: Readonly<Record<string, readonly string[]>> = {
  person: ['case_role', 'relationship_to_other_party', 'cohabiting_now'],
  incident: ['victim_account', 'perpetrator_account', 'professional_observation'],
  language_support: [
    'interpreter_id',
    'qualification',
    'gbv_training_at',
    'community_codes',
    'excluded_community_codes',
    'confidentiality_signed_at',
  ],
  contact_location: [
    'victim_current_address',
    'shelter_flag',
    'shelter_id',
    'postal_channel_allowed',
    'work_school_location',
  ],
  police_report: [
    'report_number',
    'callout_at',
    'callouts_12m',
    'arrest_made',
    'firearms_access',
    'investigation_context',
  ],
  safety_plan: [
    'plan_version',
    'measures',
    'escape_route',
    'safe_person',
    'agency_task',
    'next_review_at',
  ],
  migration: ['migrant_background', 'residence_status', 'status_depends_on_partner'],
  health: [
    'injury_findings',
    'strangulation_signs',
    'serious_diagnosis',
    'pregnancy',
    'care_needs',
  ],
  mental_health: [
    'suicide_self_harm_risk',
    'harm_to_others_risk',
    'further_assessment_needed',
    'diagnosis',
    'treatment_status',
    'migration_trauma',
  ],
  needs_assessment: ['need_codes', 'case_plan_goals'],
}

/** Types that the hospital deposits; the police deposit the others. */
const FROM_HOSPITAL: ReadonlySet<string> = new Set(['health', 'mental_health', 'needs_assessment'])

/** Types whose records are about the case, not about a person. */
const ABOUT_CASE: ReadonlySet<string> = new Set(['incident', 'language_support'])

/** How many of the fields asked for are released, and how many there are. */
export const EXPECTED = { released: count(RELEASED), entries: count(RELEASED) + count(WITHHELD) }

/**
 * Builds the world through the public interface of a running server: the operator by its command,
 * everything else over HTTP. Values are invented ones of every type that the catalogue has.
 */
export async function buildWorld(
  origin: string,
  environment: Readonly<Record<string, string>>,
  cases: number,
): Promise<World> {
  const operator = await createOperator(origin, environment)
  const police = await join(operator, origin, 'police', 'police_officer')
  const hospital = await join(operator, origin, 'hospital', 'physician')
  const support = await join(operator, origin, 'victim_support', 'vss_advocate')
  const made: CaseOfWorld[] = []
  for (let index = 0; index < cases; index++)
    made.push(await makeCase(index, { police, hospital, support }))
  return {
    requester: support.client,
    practitioner: support.practitioner,
    cases: made,
    fields: [RELEASED, WITHHELD].flatMap((part) =>
      Object.entries(part).flatMap(([type, names]) => names.map((name) => `${type}.${name}`)),
    ),
  }
}

async function createOperator(
  origin: string,
  environment: Readonly<Record<string, string>>,
): Promise<Party> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['src/cli/main.ts', 'admin', 'create', '--name', 'Bench operator', '--json'],
    { cwd: ROOT, env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment } },
  )
  const { agencyId, practitionerId, clientId, privateJwk } = JSON.parse(stdout) as {
    agencyId: string
    practitionerId: string
    clientId: string
    privateJwk: JWK
  }
  const client = await AgencyClient.connect({ origin, clientId, privateJwk })
  return { agencyId, client, practitioner: { id: practitionerId, role: 'system_admin' } }
}

/** Adds an agency with one practitioner. */
async function join(operator: Party, origin: string, sector: string, role: string): Promise<Party> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const privateJwk = await exportJWK(privateKey)
  const { d: _, ...publicJwk } = privateJwk
  const agency = await post(operator, '/v1/agencies', {
    name: `Invented ${sector} of Lakeside`,
    sector,
    country: 'SI',
    public: true,
    phases: [1],
    competentAuthority: sector === 'police',
    jwks: { keys: [publicJwk] },
  })
  const practitioner = await post(operator, `/v1/agencies/${agency.id}/practitioners`, {
    localId: `${role}-1`,
    roles: [role],
    trainings: [
      { code: 'data_protection', at: new Date(Date.now() - 30 * 86_400_000).toISOString() },
    ],
  })
  const client = await AgencyClient.connect({
    origin,
    clientId: String(agency.clientId),
    privateJwk,
  })
  return {
    agencyId: String(agency.id),
    client,
    practitioner: { id: String(practitioner.id), role },
  }
}

async function makeCase(
  index: number,
  { police, hospital, support }: Readonly<Record<'police' | 'hospital' | 'support', Party>>,
): Promise<CaseOfWorld> {
  const created = await post(police, '/v1/cases', {
    reference: `BENCH-${index}`,
    persons: [{ role: 'victim', localId: 'Ana' }, { role: 'perpetrator_alleged' }],
  })
  const caseId = String(created.id)
  const persons = created.persons as readonly { id: string; role: string }[]
  const subjectId = persons.find(({ role }) => role === 'victim')?.id
  if (!subjectId) throw new Error('the new case has no victim')
  for (const { agencyId } of [hospital, support])
    await post(police, `/v1/cases/${caseId}/members`, { agencyId, actsFor: 'victim' })
  for (const type of new Set([...Object.keys(RELEASED), ...Object.keys(WITHHELD)])) {
    const source = FROM_HOSPITAL.has(type) ? hospital : police
    await post(source, `/v1/cases/${caseId}/records`, {
      type,
      ...(ABOUT_CASE.has(type) ? {} : { subjectId }),
      fields: valuesOf(type, index),
      provenance: {
        informant: source === hospital ? 'HE' : 'PO',
        kind: 'fact',
        collectedAt: new Date(Date.now() - 3_600_000).toISOString(),
        method: 'interview',
        reliability: 'high',
      },
    })
  }
  return { caseId, subjectId }
}

const CATALOGUE = realCatalogue()

function valuesOf(type: string, seed: number): Record<string, unknown> {
  const definition = CATALOGUE.recordsByType[type]
  if (!definition) throw new Error(`the catalogue has no type ${type}`)
  const all = canaryRecord(definition, seed).fields
  const names = [...(RELEASED[type] ?? []), ...(WITHHELD[type] ?? [])]
  return Object.fromEntries(names.map((name) => [name, all[name]]))
}

async function post(
  { client, practitioner }: Party,
  path: string,
  body: object,
): Promise<Readonly<Record<string, unknown>>> {
  const idempotencyKey = randomUUID()
  const answer = await client.call('POST', path, { body, practitioner, idempotencyKey })
  if (answer.status !== 201)
    throw new Error(`POST ${path} answered ${answer.status}: ${answer.text.slice(0, 500)}`)
  return answer.body as Readonly<Record<string, unknown>>
}

function count(types: Readonly<Record<string, readonly string[]>>): number {
  return Object.values(types).reduce((sum, names) => sum + names.length, 0)
}
