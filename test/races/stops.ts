/** Everything that ends releases, each with a disclosure that it has to end. */
import { randomBytes, randomUUID } from 'node:crypto'
import { OstiaryError } from '../../src/errors.ts'
import type { PractitionerRole, Purpose } from '../../src/domain/case/vocabulary.ts'
import { makeErasePerson } from '../../src/services/erase-person.ts'
import { makeRecordEvent } from '../../src/services/record-event.ts'
import * as auditEvents from '../../src/storage/audit-events.ts'
import type { Database } from '../../src/storage/database.ts'
import * as erasures from '../../src/storage/erasure.ts'
import * as locks from '../../src/storage/locks.ts'
import { transactions } from '../../src/storage/transaction.ts'
import { openOwner } from '../../src/wire/database.ts'
import type { Answer } from '../support/agency-client.ts'
import type { LakesideCase } from '../support/lakeside-case.ts'
import { type Agency, CAST, expectStatus, type World } from '../support/world.ts'
import { acceptAgreement, deposit } from '../support/lakeside-case.ts'
import type { CommitOrder } from './commit-order.ts'
import { callerOf, freshKey, type Node } from './node.ts'
import type { Asked, Race } from './race.ts'

/** The agencies that the races need, in a case of their own. */
export interface Ground extends Pick<LakesideCase, 'caseId' | 'ana' | 'marko'> {
  readonly world: World
  readonly order: CommitOrder
  /** With the rights of the owner, as the operator's commands have. */
  readonly owner: Database
  readonly police: Agency
  readonly programme: Agency
  readonly support: Agency
  /** Ids of what the round under way rests on. */
  readonly given: Map<'consent' | 'agreement', string>
}

/** Brings the case about, through the public API. */
export async function openGround(world: World, order: CommitOrder): Promise<Ground> {
  const police = await world.onboard(CAST.police, ['police_officer', 'org_admin'])
  const programme = await world.onboard(CAST.programme, ['pp_case_manager', 'org_admin'])
  const support = await world.onboard(CAST.support, [
    'vss_advocate',
    'partner_contact_worker',
    'org_admin',
  ])
  const opened = await expectStatus(
    201,
    police.call('police_officer', 'POST', '/v1/cases', {
      body: {
        actsFor: 'all',
        persons: [{ role: 'victim' }, { role: 'perpetrator_alleged' }],
      },
    }),
  )
  const caseId: string = opened.body.id
  const [ana, marko] = ['victim', 'perpetrator_alleged'].map(
    (role) => opened.body.persons.find((person: { role: string }) => person.role === role).id,
  ) as [string, string]
  for (const [agency, actsFor] of [
    [programme, 'perpetrator'],
    [support, 'victim'],
  ] as const)
    await expectStatus(
      201,
      police.call('police_officer', 'POST', `/v1/cases/${caseId}/members`, {
        body: { agencyId: agency.id, actsFor },
      }),
    )
  // Partner contact is guaranteed by this one; the routine exchange needs another.
  await agree({ programme, support }, ['risk_management'])
  const first = await agree({ programme, support }, ['partner_contact'])
  const about = { informant: 'PP' }
  await deposit(world, { caseId }, programme, 'pp_case_manager', {
    ...about,
    type: 'programme_engagement',
    subject: marko,
    fields: { status: 'dropout' },
  })
  await deposit(world, { caseId }, programme, 'pp_case_manager', {
    ...about,
    type: 'person',
    subject: marko,
    fields: { full_name: 'Marko Novak' },
  })
  await deposit(world, { caseId }, support, 'vss_advocate', {
    type: 'risk_assessment',
    subject: ana,
    informant: 'V',
    toldBy: ana,
    kind: 'assessment',
    fields: { risk_level: 'high' },
  })
  await expectStatus(
    200,
    support.call('org_admin', 'POST', `/v1/agreements/${first.body.id}/termination`, { body: {} }),
  )
  const owner = openOwner({ owner: world.databaseUrl })
  return { world, order, owner, police, programme, support, caseId, ana, marko, given: new Map() }
}

/** An agreement of programme and support that holds from the start of the year. */
async function agree(
  { programme, support }: Pick<Ground, 'programme' | 'support'>,
  purposes: readonly Purpose[],
): Promise<Answer> {
  const recorded = await expectStatus(
    201,
    support.call('org_admin', 'POST', '/v1/agreements', {
      body: {
        title: 'Partner contact in Lakeside',
        parties: [programme.id, support.id],
        purposes,
        validFrom: '2026-01-01T00:00:00Z',
        validTo: '2028-01-01T00:00:00Z',
        documentRef: 'LK-AG-7',
        signatories: ['M. Sivec', 'J. Rode'],
      },
    }),
  )
  return acceptAgreement(programme, recorded.body.id)
}

interface Question {
  readonly agency: Agency
  readonly role: PractitionerRole
  readonly subjectId: string
  readonly purpose: Purpose
  readonly field: string
}

/** Asks one node for one field. A refusal is an answer as well; everything else is thrown. */
async function askNode(ground: Ground, node: Node, question: Question): Promise<Asked> {
  const { agency, role, field, ...rest } = question
  const caller = callerOf(agency, role)
  try {
    const { answer } = await node.discloseFields(
      caller,
      { ...rest, caseId: ground.caseId, fields: [field], justification: 'she heard something' },
      { kind: 'disclosure', idempotency: freshKey() },
    )
    const released = answer.fields.some(({ value }) => value !== undefined)
    return { released, event: { id: answer.receipt.eventId } }
  } catch (error) {
    const refused = ['not_found', 'practitioner_not_recognised']
    if (!(error instanceof OstiaryError) || !refused.includes(error.code)) throw error
    return { released: false, event: { requestId: caller.requestId } }
  }
}

/** Her word, to the programme of the man, by her consent. */
export const hers = ({ programme, ana }: Ground): Question => ({
  agency: programme,
  role: 'pp_case_manager',
  subjectId: ana,
  purpose: 'risk_management',
  field: 'risk_assessment.risk_level',
})

/** Whether he still attends, to the service that supports her. */
const attendance = ({ support, marko }: Ground): Question => ({
  agency: support,
  role: 'partner_contact_worker',
  subjectId: marko,
  purpose: 'safety_urgent',
  field: 'programme_engagement.status',
})

/** What a consent says that lets `hers` through. */
export const consentTo = ({ caseId, ana, programme }: Ground) => ({
  caseId,
  subjectId: ana,
  items: [
    {
      purpose: 'risk_management' as const,
      recipient: { agencyId: programme.id },
      recipientRoles: ['pp_case_manager' as const],
      fields: ['risk_assessment.risk_level'],
    },
  ],
  explicit: true,
  separate: true,
  conditionOfService: false,
  coercionChecked: true,
  inAbsenceOfOtherParty: true,
  language: 'sl',
  noticeVersion: '2026-1',
  evidenceRef: 'paper-118',
})

/** Forgets what earlier rounds left, so that each finds the same few rows. */
const forget = (order: CommitOrder, text: string): Promise<unknown> => order.rows(text)

/** The clock goes on, as between any two things that people do. */
const later = ({ world }: Ground): void => world.clock.advance(1000)

export function withdrawal(ground: Ground, node: Node): Race {
  const { support, order } = ground
  return {
    name: 'withdrawal of consent',
    async allow() {
      await forget(order, 'delete from consent')
      later(ground)
      const caller = callerOf(support, 'vss_advocate')
      const consent = await node.recordConsent(caller, consentTo(ground), {
        clientId: caller.clientId,
        ...freshKey(),
      })
      ground.given.set('consent', consent.id)
    },
    ask: () => askNode(ground, node, hers(ground)),
    async stop() {
      await node.withdrawConsent(callerOf(support, 'vss_advocate'), ground.given.get('consent')!)
    },
    stoppedBy: 'select xmin::text from consent where withdrawn_at is not null',
    table: 'consent',
  }
}

export function endOfMembership(ground: Ground, node: Node): Race {
  const { support, police, order, caseId } = ground
  return {
    name: 'end of membership',
    async allow() {
      await forget(order, 'delete from case_member where ended_at is not null')
      later(ground)
      const [row] = await order.rows('select from case_member where agency_id = $1', [support.id])
      if (!row)
        await node.addMember(callerOf(police, 'police_officer'), caseId, {
          agencyId: support.id,
          actsFor: 'victim',
        })
    },
    ask: () => askNode(ground, node, attendance(ground)),
    stop: () => node.removeMember(callerOf(police, 'police_officer'), caseId, support.id),
    stoppedBy: 'select xmin::text from case_member where ended_at is not null',
    table: 'case_member',
  }
}

export function suspension(ground: Ground, node: Node): Race {
  const { support, world } = ground
  const set = async (active: boolean) => {
    const operator = callerOf(world.operator, 'system_admin')
    await node.changeAgency(operator, support.id, 'any', { active })
  }
  return {
    name: 'suspension of an agency',
    async allow() {
      later(ground)
      await set(true)
    },
    ask: () => askNode(ground, node, attendance(ground)),
    stop: () => set(false),
    stoppedBy: 'select xmin::text from agency where suspended_at is not null',
    table: 'agency',
  }
}

export function deactivation(ground: Ground, node: Node): Race {
  const { support } = ground
  const { id } = support.people.get('partner_contact_worker')!
  const set = async (active: boolean) => {
    await node.changePractitioner(callerOf(support, 'org_admin'), id, 'any', { active })
  }
  return {
    name: 'deactivation of a practitioner',
    async allow() {
      later(ground)
      await set(true)
    },
    ask: () => askNode(ground, node, attendance(ground)),
    stop: () => set(false),
    stoppedBy: 'select xmin::text from practitioner where not active',
    table: 'practitioner',
  }
}

export function termination(ground: Ground, node: Node): Race {
  const { support, programme, order } = ground
  return {
    name: 'termination of an agreement',
    async allow() {
      const ours = "'partner_contact' = any (purposes)"
      const of = `select id from agreement where ${ours}`
      await forget(order, `delete from agreement_acceptance where agreement_id in (${of})`)
      await forget(order, `delete from agreement where ${ours}`)
      later(ground)
      const agreement = await node.recordAgreement(callerOf(support, 'org_admin'), {
        title: 'Partner contact in Lakeside',
        parties: [programme.id, support.id],
        purposes: ['partner_contact'],
        validFrom: '2026-01-01T00:00:00Z',
        validTo: '2028-01-01T00:00:00Z',
        documentRef: 'LK-AG-8',
        signatories: ['M. Sivec', 'J. Rode'],
      })
      await node.acceptAgreement(callerOf(programme, 'org_admin'), agreement.id, {})
      ground.given.set('agreement', agreement.id)
    },
    ask: () =>
      askNode(ground, node, {
        ...attendance(ground),
        purpose: 'partner_contact',
        field: 'person.full_name',
      }),
    async stop() {
      await node.terminateAgreement(
        callerOf(support, 'org_admin'),
        ground.given.get('agreement')!,
        {},
      )
    },
    stoppedBy: 'select xmin::text from agreement where terminated_at is not null',
    table: 'agreement',
  }
}

export function erasure(ground: Ground, node: Node): Race {
  const { programme, marko, owner, order, world } = ground
  const runtime = {
    now: () => world.clock.now(),
    uuid: () => randomUUID(),
    random: (count: number) => randomBytes(count),
  }
  const recordEvent = makeRecordEvent({
    storage: auditEvents,
    runtime,
    origin: 'races.example/log',
  })
  const erase = makeErasePerson({ storage: erasures, locks, recordEvent, runtime })
  return {
    name: 'erasure of a person at the source',
    async allow() {
      later(ground)
      // The name is what another stop asks for.
      const records = [
        ['programme_engagement', { status: 'dropout' }],
        ['person', { full_name: 'Marko Novak' }],
      ] as const
      for (const [type, fields] of records) {
        const [row] = await order.rows(
          `select from record r join record_version v on v.record_id = r.id
           where r.agency_id = $1 and r.type = $2
             and not exists (select from record_version_erased x where x.record_id = r.id)`,
          [programme.id, type],
        )
        if (row) continue
        const record = { type, subject: marko, informant: 'PP', fields }
        await deposit(world, ground, programme, 'pp_case_manager', record)
      }
    },
    ask: () => askNode(ground, node, attendance(ground)),
    async stop() {
      const order = { agencyId: programme.id, personId: marko, ground: 'led_erasure' } as const
      await transactions(owner)(programme.id, (tx) => erase(tx, order))
    },
    stoppedBy: 'select xmin::text from subject_key_destroyed order by at desc, ctid desc limit 1',
    table: 'subject_key',
    change: 'delete',
  }
}

/** Every kind of stop. */
export const STOPS = [
  withdrawal,
  endOfMembership,
  suspension,
  deactivation,
  termination,
  erasure,
] as const
