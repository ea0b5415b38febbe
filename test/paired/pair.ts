/**
 * Two worlds that differ only in what the victim told others (architecture §4), and a comparison of
 * everything that the programme's side can see of them. Later exits add their requests to `HIS_SIDE`.
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Answer } from '../support/agency-client.ts'
import {
  concludeAgreement,
  consentOfAna,
  deposit,
  disclose,
  type LakesideCase,
  openLakesideCase,
  withdraw,
} from '../support/lakeside-case.ts'
import { type Agency, expectStatus, startWorld, type World } from '../support/world.ts'

/** One of the two worlds, settled. */
export interface PairedWorld {
  readonly world: World
  readonly at: LakesideCase
}

/** The two: in one she sought help, in the other she did not. */
export interface Pair {
  readonly told: PairedWorld
  readonly silent: PairedWorld
  /** Runs SQL in both, as the database's owner: to plant a leak, and to take it out again. */
  sql(text: string): Promise<void>
  stop(): Promise<void>
}

/** What his side sees of one request, with all that is random made equal. */
export interface Sight {
  readonly request: string
  readonly status: number
  readonly headers: string
  readonly body: string
  /** Entries by which the log grew when it was published after the request. */
  readonly growth: number
}

const SEED = 20261116
const DAY = 86_400_000

/** Starts both and lets everything happen that is the same; then, in one of them, she speaks. */
export async function startPair(): Promise<Pair> {
  const [told, silent] = await Promise.all([settledWorld(), settledWorld()])
  await herSide(told)
  for (const { world } of [told, silent]) {
    // Her service has asked, so in one world the programme's duty is met.
    await world.ostiary.runClocks()
    await world.ostiary.publish()
  }
  return {
    told,
    silent,
    async sql(text) {
      for (const { world } of [told, silent]) await asOwner(world, text)
    },
    async stop() {
      await told.world.stop()
      await silent.world.stop()
    },
  }
}

async function asOwner(world: World, text: string): Promise<void> {
  const client = new pg.Client(world.databaseUrl)
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}

/** The case, and what police and programme know of him in either world. */
async function settledWorld(): Promise<PairedWorld> {
  const world = await startWorld({ seed: SEED })
  const at = await openLakesideCase(world)
  const { police, programme, childProtection } = at.agencies
  await concludeAgreement(at.agencies)
  await deposit(world, at, police, 'police_officer', {
    type: 'protection_order',
    subject: at.marko,
    informant: 'PO',
    fields: { order_type: 'no_contact', status: 'in_force' },
  })
  await deposit(world, at, police, 'police_officer', {
    type: 'person',
    subject: at.marko,
    informant: 'PO',
    fields: { full_name: 'Marko Zorman', birth_date: '1988-03-02' },
  })
  await deposit(world, at, programme, 'pp_case_manager', {
    type: 'programme_engagement',
    subject: at.marko,
    informant: 'PP',
    fields: { status: 'dropout', dropout_at: '2026-11-16T18:00:00.000Z' },
  })
  await deposit(world, at, childProtection, 'cp_worker', {
    type: 'child',
    subject: at.lea,
    informant: 'CP',
    fields: { cp_measure: ['monitoring'] },
  }).catch(() => undefined)
  return { world, at }
}

/** Everything that she tells, that is told for her, and what her side does with it. */
async function herSide({ world, at }: PairedWorld): Promise<void> {
  const { police, support, hospital } = at.agencies
  const her = { informant: 'V', toldBy: at.ana } as const
  await deposit(world, at, support, 'vss_advocate', {
    ...her,
    type: 'contact_location',
    subject: at.ana,
    fields: {
      victim_current_address: { lines: ['Orchard Road 12'], municipality: 'Lakeside' },
      safe_phone: '+38640555012',
    },
  })
  await deposit(world, at, support, 'vss_advocate', {
    ...her,
    type: 'safety_plan',
    subject: at.ana,
    fields: { escape_route: 'back door, then the number 4 bus' },
  })
  await deposit(world, at, support, 'vss_advocate', {
    ...her,
    type: 'risk_assessment',
    subject: at.marko,
    kind: 'assessment',
    fields: { risk_level: 'very_high' },
  })
  await deposit(world, at, support, 'vss_advocate', {
    ...her,
    type: 'risk_assessment',
    subject: at.ana,
    kind: 'assessment',
    collectedAt: new Date(world.clock.now().getTime() - 60 * DAY).toISOString(),
    fields: { risk_level: 'high' },
  })
  await deposit(world, at, police, 'police_officer', {
    ...her,
    type: 'incident',
    kind: 'statement',
    fields: { victim_account: 'He waited for me at the school gate.' },
  })
  await deposit(world, at, hospital, 'physician', {
    type: 'health',
    subject: at.ana,
    informant: 'HE',
    fields: { injury_findings: 'bruises on both wrists' },
  })
  await deposit(world, at, support, 'vss_advocate', {
    ...her,
    type: 'partner_contact',
    subject: at.ana,
    kind: 'assessment',
    fields: { new_incident_disclosed: true },
  })
  const consent = await consentOfAna(at, ['partner_contact.partner_feedback_change'])
  await withdraw(at, consent)
  await herSideAsks({ world, at })
}

/** Her support reads about him, asks the source to verify, and the police break the glass for her. */
async function herSideAsks({ at }: PairedWorld): Promise<void> {
  const { police, support } = at.agencies
  await expectStatus(
    201,
    disclose(at, support, 'partner_contact_worker', {
      subject: at.marko,
      purpose: 'safety_urgent',
      fields: ['programme_engagement/event', 'programme_engagement/status'],
      justification: 'weekly handover',
    }),
  )
  await expectStatus(
    201,
    disclose(at, police, 'police_officer', {
      subject: at.ana,
      purpose: 'safety_urgent',
      fields: ['contact_location/v'],
      justification: 'emergency call',
      exception: { code: 'break_glass', note: 'life in danger' },
    }),
  )
}

/** One request of his side; the same in both worlds. */
interface HisRequest {
  readonly name: string
  readonly call: (at: LakesideCase, memory: Map<string, string>) => Promise<Answer>
}

const asks = (
  name: string,
  who: (at: LakesideCase) => string,
  purpose: string,
  fields: readonly string[],
  more: Readonly<Record<string, unknown>> = {},
): HisRequest => ({
  name,
  call: async (at, memory) => {
    const { programme } = at.agencies
    const answer = await disclose(at, programme, 'pp_case_manager', {
      subject: who(at),
      purpose,
      fields,
      ...more,
    })
    if (answer.status === 201) memory.set('disclosure', answer.body.id)
    if (answer.status === 201) memory.set('event', answer.body.receipt.eventId)
    if (answer.status === 201 && who(at) === at.ana) memory.set('about her', answer.body.id)
    return answer
  },
})

const reads = (
  name: string,
  path: (at: LakesideCase, memory: Map<string, string>) => string,
  role = 'pp_case_manager',
): HisRequest => ({
  name,
  call: (at, memory) =>
    at.agencies.programme.call(role as Parameters<Agency['call']>[0], 'GET', path(at, memory)),
})

/** What the programme's officer finds in the audit log. */
const searches = (
  name: string,
  filter: (at: LakesideCase, memory: Map<string, string>) => Readonly<Record<string, unknown>>,
): HisRequest => ({
  name: `audit log: ${name}`,
  call: (at, memory) =>
    at.agencies.programme.call('dpo', 'POST', '/v1/audit/search?limit=200', {
      body: { lawfulUse: 'self_monitoring', ...filter(at, memory) },
    }),
})

const ana = (at: LakesideCase): string => at.ana
const marko = (at: LakesideCase): string => at.marko
const lea = (at: LakesideCase): string => at.lea
const nobody = (): string => '00000000-0000-4000-8000-000000000000'

/** Every exit that the programme's side can reach. */
export const HIS_SIDE: readonly HisRequest[] = [
  asks('her contact data', ana, 'risk_management', ['contact_location.*']),
  asks('her safety plan', ana, 'safety_urgent', ['safety_plan.*'], { justification: 'x' }),
  asks('her risk level and feedback', ana, 'risk_management', [
    'risk_assessment.*',
    'partner_contact.*',
  ]),
  asks(
    'everything of hers, glass broken',
    ana,
    'safety_urgent',
    ['contact_location.*', 'health.*'],
    {
      justification: 'x',
      exception: { code: 'break_glass', note: 'he says so' },
    },
  ),
  asks('his own file', marko, 'risk_management', [
    'programme_engagement.*',
    'risk_assessment.*',
    'person.*',
    'incident.*',
  ]),
  asks('the order', marko, 'order_enforcement', ['protection_order.*']),
  asks('intake data', marko, 'programme_intake', ['person.*', 'incident.*', 'risk_assessment.*']),
  asks('the child', lea, 'child_protection', ['child.*']),
  asks('all of case, of her', ana, 'case_conference', ['person.*', 'incident.*', 'health.*']),
  asks('somebody who is not there', nobody, 'risk_management', ['person.*']),
  {
    name: 'preview of her',
    call: (at) =>
      at.agencies.programme.call('pp_case_manager', 'POST', '/v1/disclosures/preview', {
        body: {
          caseId: at.caseId,
          subjectId: at.ana,
          purpose: 'risk_management',
          fields: ['risk_assessment.*', 'contact_location.*'],
        },
      }),
  },
  {
    name: 'the same again under its key',
    call: async (at) => {
      const options = { idempotencyKey: '7b1c6f0e-5a34-4f53-9d25-0f8b7f0e4c11' }
      const request = { subject: at.ana, purpose: 'risk_management', fields: ['risk_assessment.*'] }
      await disclose(at, at.agencies.programme, 'pp_case_manager', request, options)
      return disclose(at, at.agencies.programme, 'pp_case_manager', request, options)
    },
  },
  reads('the case', ({ caseId }) => `/v1/cases/${caseId}`),
  reads('duties of the case', ({ caseId }) => `/v1/cases/${caseId}/duties`),
  reads('intake of the case', ({ caseId }) => `/v1/cases/${caseId}/intake`),
  reads('one of its disclosures', (_, memory) => `/v1/disclosures/${memory.get('disclosure')}`),
  reads(
    'one of its decisions explained',
    (_, memory) => `/v1/disclosures/${memory.get('disclosure')}/explanation`,
    'dpo',
  ),
  reads(
    'its request about her explained',
    (_, memory) => `/v1/disclosures/${memory.get('about her')}/explanation`,
    'dpo',
  ),
  reads('agreements', () => '/v1/agreements', 'org_admin'),
  reads('definitions', () => '/v1/glossary'),
  reads('disclosures received', () => '/v1/disclosures?direction=received'),
  reads('disclosures made', () => '/v1/disclosures?direction=made'),
  reads('reviews', () => '/v1/reviews', 'org_admin'),
  reads('notices', () => '/v1/notices', 'org_admin'),
  reads('notices of the officer', () => '/v1/notices', 'dpo'),
  searches('everything', () => ({})),
  searches('about her', ({ ana: subjectId }) => ({ subjectId })),
  searches('about him', ({ marko: subjectId }) => ({ subjectId })),
  searches('as a source', () => ({ view: 'source' })),
  searches('who received his drop-out', () => ({ released: 'programme_engagement.*' })),
  searches('with her service in it', ({ agencies }) => ({ agencyId: agencies.support.id })),
  searches('her phone', () => ({ field: 'contact_location.safe_phone' })),
  searches('exceptions', () => ({ exception: 'any' })),
  searches('refusals', () => ({ outcome: 'none' })),
  searches('a rule that shields her', () => ({ reason: 'shielded' })),
  searches('one decision', (_, memory) => ({ disclosureId: memory.get('about her') })),
  reads(
    'audit log: an event, opened',
    (_, memory) => `/v1/audit/events/${memory.get('event')}?lawfulUse=self_monitoring`,
    'dpo',
  ),
  reads(
    'audit log: the proof of it',
    (_, memory) => `/v1/audit/events/${memory.get('event')}/proof?lawfulUse=self_monitoring`,
    'dpo',
  ),
  reads(
    'audit log: export',
    () => '/v1/audit/export?lawfulUse=self_monitoring&format=jsonl',
    'dpo',
  ),
  reads(
    'audit log: export as a table',
    ({ caseId }) => `/v1/audit/export?lawfulUse=self_monitoring&format=csv&caseId=${caseId}`,
    'dpo',
  ),
  {
    name: 'asking to verify what was not shown',
    call: (at, memory) =>
      at.agencies.programme.call(
        'pp_case_manager',
        'POST',
        `/v1/disclosures/${memory.get('disclosure')}/verification-requests`,
        { body: { fields: ['contact_location.*'] } },
      ),
  },
  {
    name: 'a deposit with wording that it is advised against',
    call: (at) =>
      at.agencies.programme.call('pp_case_manager', 'POST', `/v1/cases/${at.caseId}/records`, {
        body: {
          type: 'incident',
          fields: { professional_observation: 'She provoked him and the situation escalated.' },
          provenance: {
            informant: 'PP',
            kind: 'assessment',
            collectedAt: '2026-11-16T19:00:00.000Z',
          },
        },
      }),
  },
  {
    name: 'a deposit of its own',
    call: (at) =>
      at.agencies.programme.call('pp_case_manager', 'POST', `/v1/cases/${at.caseId}/records`, {
        body: {
          type: 'programme_engagement',
          subjectId: at.marko,
          fields: { sessions_attended: 3 },
          provenance: {
            informant: 'PP',
            kind: 'fact',
            collectedAt: '2026-11-16T19:00:00.000Z',
          },
        },
        idempotencyKey: randomUUID(),
      }),
  },
]

/** Runs his side's requests in one world, with ids and salts drawn from `seed`. */
export async function look({ world, at }: PairedWorld, seed: number): Promise<Sight[]> {
  world.reseed(SEED + seed)
  const memory = new Map<string, string>()
  const sights: Sight[] = []
  for (const { name, call } of HIS_SIDE) {
    const before = await treeSize(world)
    const answer = await call(at, memory)
    await world.ostiary.publish()
    sights.push({
      request: name,
      status: answer.status,
      headers: headersOf(answer),
      body: bodyOf(answer),
      growth: (await treeSize(world)) - before,
    })
  }
  return sights
}

/** What differs between the two worlds, in words; empty when his side cannot tell them apart. */
export function differences(told: readonly Sight[], silent: readonly Sight[]): string[] {
  return told.flatMap((one, index) => {
    const other = silent[index]
    const members = ['status', 'headers', 'body', 'growth'] as const
    return members
      .filter((member) => one[member] !== other?.[member])
      .map((member) => `${one.request}: ${member}: ${one[member]} | ${other?.[member]}`)
  })
}

async function treeSize({ address }: World): Promise<number> {
  const note = await (await fetch(`${address}/log/checkpoint`)).text()
  return Number(note.split('\n')[1])
}

/**
 * `date` is the machine's clock, and a cursor is sealed under a key that each server has for itself: its
 * length counts. Everything else counts to the byte. (Header names arrive in lower case and sorted.)
 */
function headersOf({ headers }: Answer): string {
  return [...headers]
    .flatMap(([name, value]) => (name === 'date' ? [] : [`${name}: ${value}`]))
    .join('\n')
    .replaceAll(/cursor=([\w-]+)/g, (_, cursor: string) => `cursor=(${cursor.length} letters)`)
}

/**
 * The leaf hash is a keyed hash over the private part under a salt that never leaves: it differs, and
 * to him it is noise; so is the other half of an entry, and where in the public log it stands.
 * Everything else has to be the same to the byte.
 */
const bodyOf = ({ text }: Answer): string =>
  text
    .replaceAll(/"leafHash":"[\w-]{43}"/g, '"leafHash":"(noise)"')
    .replaceAll(/"privateCommitment":"[\w+/=]{44}"/g, '"privateCommitment":"(noise)"')
    .replaceAll(/"leafIndex":.*"checkpoint":"([^"\\]|\\.)*"/g, '"leafIndex":"(place)"')
