/** What one scenario plays on: its agencies, its case, and what has happened so far. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { PractitionerRole } from '../../src/domain/case/vocabulary.ts'
import type { Answer, CallOptions } from '../support/agency-client.ts'
import { openCase, openLakesideCase } from '../support/lakeside-case.ts'
import {
  type Agency,
  type AgencyName,
  EVENING,
  expectStatus,
  makeKey,
  type Person,
  type World,
} from '../support/world.ts'
import type { AgreementStep, Given, PersonName, Scenario, Step } from './scenario.ts'

/** Agencies, and the people with more than one role, by the names that scenarios use. */
export type Agencies = Readonly<Record<AgencyName, Agency>> & Readonly<Record<string, Agency>>

/** A case with the people in it, by the names that scenarios use. */
export interface PlacedCase {
  readonly caseId: string
  readonly persons: Map<PersonName, string>
}

/** Somebody who acts in a step. */
export interface Actor {
  readonly agency: Agency
  readonly person: Person
  readonly role: PractitionerRole
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
}

/** What a step with a name left for later ones. */
export interface Remembered {
  readonly answer: Answer
  /** Sends the same request again, under the same key. */
  readonly again: () => Promise<Answer>
}

export interface Stage {
  readonly world: World
  readonly db: pg.Client
  readonly agencies: Agencies
  readonly cases: { readonly main: PlacedCase; readonly other: PlacedCase | undefined }
  /** Notices that were there before; they belong to other scenarios. */
  readonly olderNotices: ReadonlySet<string>
  readonly people: ReadonlyMap<string, { readonly of: string; readonly person: Person }>
  readonly remembered: Map<string, Remembered>
  /** Hashes of review tasks as their reviewers saw them, by disclosure. */
  readonly hashes: Map<string, string>
}

/** The world that all scenarios share, with the agencies of those that need none of their own. */
export interface Theatre {
  readonly world: World
  readonly db: pg.Client
  readonly shared: Readonly<Record<AgencyName, Agency>>
}

/** The agreement of the shared agencies. */
const STANDING: AgreementStep = {
  between: ['programme', 'support'],
  purposes: ['partner_contact', 'risk_management'],
  from: '2026-01-01',
  to: '2027-12-31',
}

/** Onboards the shared agencies; `close` the database connection afterwards. */
export async function openTheatre(world: World): Promise<Theatre> {
  const db = new pg.Client({ connectionString: world.databaseUrl })
  await db.connect()
  const { agencies: shared } = await openLakesideCase(world)
  await conclude(shared, actorOf(shared, new Map(), 'programme/org_admin'), STANDING)
  return { world, db, shared }
}

/** Prepares what the scenario takes as given. */
export async function setStage(theatre: Theatre, scenario: Scenario): Promise<Stage> {
  const { world, db, shared } = theatre
  const { given = {}, steps } = scenario
  world.clock.set(given.at ?? EVENING)
  const own = given.cast === 'own'
  const cast = own ? (await openLakesideCase(world)).agencies : shared
  const agencies: Agencies = { ...cast, ...(await newcomers(world, given)) }
  const people = await employ(agencies, given)
  const remembered = new Map<string, Remembered>()
  const stage = { world, db, agencies, people, remembered, hashes: new Map<string, string>() }
  for (const agreement of given.agreements ?? []) {
    const by = `${agreement.between[0]}/org_admin`
    const answer = await conclude(agencies, actorOf(agencies, people, by), agreement)
    if (agreement.as) stage.remembered.set(agreement.as, { answer, again: async () => answer })
  }
  const open = () => openCaseFor(agencies, given)
  const main = await open()
  const other = steps.some((step) => step.in !== undefined) ? await open() : undefined
  const { rows } = await db.query<{ id: string }>('select id from notice')
  return { ...stage, cases: { main, other }, olderNotices: new Set(rows.map(({ id }) => id)) }
}

async function newcomers(world: World, given: Given): Promise<Record<string, Agency>> {
  const made: Record<string, Agency> = {}
  for (const [name, newcomer] of Object.entries(given.agencies ?? {})) {
    const { roles, partOf, actsFor, ...member } = newcomer
    const parent = partOf === undefined ? undefined : made[partOf]
    if (partOf !== undefined && !parent) throw new Error(`no agency ${partOf} before ${name}`)
    made[name] = await world.onboard(
      {
        public: false,
        ...member,
        actsFor: actsFor === 'nobody' ? 'all' : actsFor,
        ...(parent ? { parentId: parent.id } : {}),
      },
      roles,
    )
  }
  return made
}

async function employ(agencies: Agencies, given: Given): Promise<Stage['people']> {
  const people = new Map<string, { of: string; person: Person }>()
  for (const [name, { of, roles, trainings = {} }] of Object.entries(given.people ?? {})) {
    const agency = agencies[of]
    if (!agency) throw new Error(`${name} is of ${of}, which is no agency here`)
    const key = await makeKey()
    const answer = await expectStatus(
      201,
      agency.client.call('POST', `/v1/agencies/${agency.id}/practitioners`, {
        body: {
          localId: `${name}-${randomUUID()}`,
          roles,
          trainings: datedTrainings(trainings),
          jwk: key.publicJwk,
        },
      }),
    )
    people.set(name, { of, person: { id: answer.body.id, roles, privateJwk: key.privateJwk } })
  }
  return people
}

/** Trainings as the contract has them, from days by code. */
export function datedTrainings(
  days: Readonly<Record<string, string>>,
): { code: string; at: string }[] {
  return Object.entries(days).map(([code, at]) => ({ code, at }))
}

async function openCaseFor(agencies: Agencies, given: Given): Promise<PlacedCase> {
  const placed = await openCase(agencies)
  for (const [name, { actsFor }] of Object.entries(given.agencies ?? {})) {
    const agency = agencies[name]
    if (agency && actsFor !== 'nobody')
      await expectStatus(
        201,
        agencies.police.call('police_officer', 'POST', `/v1/cases/${placed.caseId}/members`, {
          body: { agencyId: agency.id, actsFor },
        }),
      )
  }
  const { caseId, ana, marko, lea } = placed
  return { caseId, persons: new Map(Object.entries({ ana, marko, lea })) }
}

/** Records an agreement that every other party then accepts, by its software alone. */
async function conclude(
  agencies: Readonly<Record<string, Agency>>,
  actor: Actor,
  agreement: AgreementStep,
): Promise<Answer> {
  const recorded = await expectStatus(201, agree(agencies, actor, agreement))
  const path = `/v1/agreements/${recorded.body.id}/acceptance`
  for (const name of agreement.between)
    await expectStatus(200, agencyOf(agencies, name).client.call('POST', path))
  return recorded
}

/** Records an agreement between agencies; it holds when each has accepted it. */
export function agree(
  agencies: Readonly<Record<string, Agency>>,
  actor: Actor,
  { between, purposes, from, to, scope, terms }: AgreementStep,
): Promise<Answer> {
  return actor.call('POST', '/v1/agreements', {
    body: {
      title: `Agreement of ${between.join(' and ')}`,
      parties: between.map((name) => agencyOf(agencies, name).id),
      purposes,
      validFrom: from,
      validTo: to,
      documentRef: 'register 2026/14',
      signatories: ['both directors'],
      ...(scope === undefined ? {} : { scope }),
      ...(terms === undefined ? {} : { terms }),
    },
  })
}

/** The agency of this name; throws where there is none. */
export function agencyOf(agencies: Readonly<Record<string, Agency>>, name: string): Agency {
  const agency = agencies[name]
  if (!agency) throw new Error(`no agency is called ${name}`)
  return agency
}

/** Who acts: `agency/role`, or `person as role`. */
export function actorOf(
  agencies: Readonly<Record<string, Agency>>,
  people: Stage['people'],
  by: string,
): Actor {
  const [name = '', , word = ''] = by.split(/(\/| as )/)
  const role = word as PractitionerRole
  const known = people.get(name)
  const agency = agencyOf(agencies, known?.of ?? name)
  const person = known?.person ?? agency.people.get(role)
  if (!person) throw new Error(`nobody of ${name} holds the role ${role}`)
  return {
    agency,
    person,
    role,
    call: (method, path, options = {}) =>
      agency.client.call(method, path, {
        practitioner: { id: person.id, role },
        ...(method === 'POST' ? { idempotencyKey: randomUUID() } : {}),
        ...options,
      }),
  }
}

/** The case in which a step happens. */
export function caseOf({ cases }: Stage, step: Pick<Step, 'in'>): PlacedCase {
  if (step.in === undefined) return cases.main
  if (!cases.other) throw new Error('there is no other case')
  return cases.other
}

/** The id of a person of the case. */
export function personOf({ persons }: PlacedCase, name: PersonName): string {
  const id = persons.get(name)
  if (id === undefined) throw new Error(`nobody in the case is called ${name}`)
  return id
}

/** What the step of this name left. */
export function earlier({ remembered }: Stage, name: string): Remembered {
  const known = remembered.get(name)
  if (!known) throw new Error(`no step before this one is called ${name}`)
  return known
}

/** Names of agencies by id, for what an answer says. */
export function nameOfAgency({ agencies }: Stage, id: string): string {
  const [name] = Object.entries(agencies).find(([, agency]) => agency.id === id) ?? []
  return name ?? id
}
