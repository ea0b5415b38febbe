/** The invented case of the scenarios: Ana, Marko, their daughter Lea, and who works for whom. */
import type { PractitionerRole } from '../../src/domain/case/vocabulary.ts'
import type { CallOptions, Answer } from './agency-client.ts'
import { type Agency, type AgencyName, CAST, expectStatus, type World } from './world.ts'

/** Roles that somebody holds in each agency. */
export const STAFF: Readonly<Record<AgencyName, readonly PractitionerRole[]>> = {
  police: ['police_officer', 'org_admin', 'dpo'],
  prosecution: ['prosecutor', 'org_admin'],
  programme: ['pp_case_manager', 'pp_facilitator', 'org_admin', 'dpo'],
  support: ['vss_advocate', 'partner_contact_worker', 'org_admin', 'dpo'],
  childProtection: ['cp_worker', 'org_admin'],
  hospital: ['physician', 'org_admin', 'dpo'],
}

export interface LakesideCase {
  readonly agencies: Readonly<Record<AgencyName, Agency>>
  readonly caseId: string
  readonly ana: string
  readonly marko: string
  readonly lea: string
}

/** One deposit in few words; `collectedAt` and `verifiedAt` default to now. */
export interface Deposit {
  readonly type: string
  readonly subject?: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly informant: string
  readonly toldBy?: string
  readonly kind?: 'fact' | 'assessment' | 'statement'
  readonly collectedAt?: string
  readonly verifiedAt?: string | null
  readonly conditions?: readonly string[]
}

/** Onboards the whole cast, opens the case at the police, and brings everybody in. */
export async function openLakesideCase(world: Pick<World, 'onboard'>): Promise<LakesideCase> {
  const agencies = {} as Record<AgencyName, Agency>
  for (const name of Object.keys(CAST) as AgencyName[])
    agencies[name] = await world.onboard(CAST[name], STAFF[name])
  return { agencies, ...(await openCase(agencies)) }
}

/** Opens the case at the police and brings the other agencies in, each for whom it acts. */
export async function openCase(
  agencies: Readonly<Record<AgencyName, Agency>>,
): Promise<Omit<LakesideCase, 'agencies'>> {
  const opened = await expectStatus(
    201,
    agencies.police.call('police_officer', 'POST', '/v1/cases', {
      body: {
        reference: 'LK-2026-114',
        actsFor: 'all',
        persons: [
          { role: 'victim', localId: 'ana' },
          { role: 'perpetrator_alleged', localId: 'marko' },
          { role: 'child_witness', localId: 'lea' },
        ],
      },
    }),
  )
  const caseId: string = opened.body.id
  const idOf = (role: string): string =>
    opened.body.persons.find((person: { role: string }) => person.role === role).id
  for (const name of Object.keys(CAST) as AgencyName[])
    if (name !== 'police')
      await expectStatus(
        201,
        agencies.police.call('police_officer', 'POST', `/v1/cases/${caseId}/members`, {
          body: { agencyId: agencies[name].id, actsFor: CAST[name].actsFor },
        }),
      )
  return {
    caseId,
    ana: idOf('victim'),
    marko: idOf('perpetrator_alleged'),
    lea: idOf('child_witness'),
  }
}

/** Deposits a record through the API; throws unless it was accepted. */
export function deposit(
  world: { readonly clock: { now(): Date } },
  { caseId }: Pick<LakesideCase, 'caseId'>,
  agency: Agency,
  role: PractitionerRole,
  record: Deposit,
): Promise<Answer> {
  return expectStatus(201, tryDeposit(world, { caseId }, agency, role, record))
}

/** The same, whatever comes of it. */
export function tryDeposit(
  world: { readonly clock: { now(): Date } },
  { caseId }: Pick<LakesideCase, 'caseId'>,
  agency: Agency,
  role: PractitionerRole,
  record: Deposit,
): Promise<Answer> {
  const now = world.clock.now().toISOString()
  const collectedAt = record.collectedAt ?? now
  const verifiedAt = record.verifiedAt === undefined ? collectedAt : record.verifiedAt
  return agency.call(role, 'POST', `/v1/cases/${caseId}/records`, {
    body: {
      type: record.type,
      ...(record.subject === undefined ? {} : { subjectId: record.subject }),
      fields: record.fields,
      provenance: {
        informant: record.informant,
        kind: record.kind ?? 'fact',
        collectedAt,
        ...(record.toldBy === undefined ? {} : { informantPersonId: record.toldBy }),
        ...(verifiedAt === null ? {} : { verifiedAt }),
      },
      ...(record.conditions ? { conditions: record.conditions } : {}),
    },
  })
}

/** Asks for fields. */
export function disclose(
  { caseId }: Pick<LakesideCase, 'caseId'>,
  agency: Agency,
  role: PractitionerRole,
  request: {
    readonly subject: string
    readonly purpose: string
    readonly fields: readonly string[]
  } & Readonly<Record<string, unknown>>,
  options: CallOptions = {},
): Promise<Answer> {
  const { subject, ...rest } = request
  return agency.call(role, 'POST', '/v1/disclosures', {
    body: { caseId, subjectId: subject, ...rest },
    ...options,
  })
}

/** The written protocol between programme and support, as most of the case's exchange needs it. */
export async function concludeAgreement({
  support,
  programme,
}: LakesideCase['agencies']): Promise<Answer> {
  const recorded = await expectStatus(
    201,
    support.call('org_admin', 'POST', '/v1/agreements', {
      body: {
        title: 'Partner contact in Lakeside',
        parties: [support.id, programme.id],
        purposes: ['partner_contact', 'risk_management', 'safety_urgent'],
        validFrom: '2026-01-01T00:00:00Z',
        validTo: '2099-01-01T00:00:00Z',
        documentRef: 'LK-AG-7',
        signatories: ['M. Sivec for Lighthouse', 'J. Rode for Change Path'],
      },
    }),
  )
  return acceptAgreement(programme, recorded.body.id, 'J. Rode')
}

/** A party says that it is bound, which an agreement needs of each. */
export function acceptAgreement(
  party: Agency,
  agreementId: string,
  signatory = 'the director',
): Promise<Answer> {
  const path = `/v1/agreements/${agreementId}/acceptance`
  return expectStatus(200, party.call('org_admin', 'POST', path, { body: { signatory } }))
}

/** Ana lets the programme have these fields for managing the risk (rule F10); returns the consent's id. */
export async function consentOfAna(at: LakesideCase, fields: readonly string[]): Promise<string> {
  const { support, programme } = at.agencies
  const answer = await expectStatus(
    201,
    support.call('vss_advocate', 'POST', '/v1/consents', {
      body: {
        caseId: at.caseId,
        subjectId: at.ana,
        items: [
          {
            purpose: 'risk_management',
            recipient: { agencyId: programme.id },
            recipientRoles: ['pp_case_manager'],
            fields,
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
      },
    }),
  )
  return answer.body.id as string
}

/** She takes it back. */
export function withdraw(at: LakesideCase, consentId: string): Promise<Answer> {
  const path = `/v1/consents/${consentId}/withdrawal`
  return expectStatus(200, at.agencies.support.call('vss_advocate', 'POST', path))
}

/** Her number, as she told it to her service: what his side must never learn. */
export const HER_PHONE = '+38640555012'

/** What either side holds before anybody asks: his drop-out, and her number. */
export async function depositBothSides(
  world: { readonly clock: { now(): Date } },
  at: LakesideCase,
): Promise<void> {
  await deposit(world, at, at.agencies.programme, 'pp_case_manager', {
    type: 'programme_engagement',
    subject: at.marko,
    informant: 'PP',
    fields: { status: 'dropout', dropout_at: '2026-11-16T18:00:00.000Z' },
  })
  await depositHerPhone(world, at)
}

/** Her number alone, told to her service. */
export function depositHerPhone(
  world: { readonly clock: { now(): Date } },
  at: LakesideCase,
): Promise<Answer> {
  return deposit(world, at, at.agencies.support, 'vss_advocate', {
    type: 'contact_location',
    subject: at.ana,
    informant: 'V',
    toldBy: at.ana,
    fields: { safe_phone: HER_PHONE },
  })
}

/** What her service asks to know whether he still comes to the programme. */
export const DROPOUT_REQUEST = {
  purpose: 'safety_urgent',
  fields: ['programme_engagement/event', 'programme_engagement/status'],
  justification: 'weekly handover',
}

/** Her service asks it, and may know. */
export function askForDropout(at: LakesideCase): Promise<Answer> {
  return expectStatus(
    201,
    disclose(at, at.agencies.support, 'partner_contact_worker', {
      subject: at.marko,
      ...DROPOUT_REQUEST,
    }),
  )
}

/** His programme asks for her number: it learns nothing, not even that there is one. */
export function askForHerPhone(at: LakesideCase, more: object = {}): Promise<Answer> {
  return expectStatus(
    201,
    disclose(at, at.agencies.programme, 'pp_case_manager', {
      subject: at.ana,
      purpose: 'risk_management',
      fields: ['contact_location.safe_phone'],
      ...more,
    }),
  )
}
