/** What happens in the demo, step by step, and what must come of it. */
import assert from 'node:assert/strict'
import type { Answer } from '../support/agency-client.ts'
import type { Deposit, LakesideCase } from '../support/lakeside-case.ts'
import { consentOfAna, deposit, disclose, withdraw } from '../support/lakeside-case.ts'
import { type Agency, expectStatus } from '../support/world.ts'
import { printEntries } from './table.ts'

const DAY = 86_400_000
const before = (milliseconds: number): string => new Date(Date.now() - milliseconds).toISOString()
const clock = { now: () => new Date() }

/** Prints the heading of a step. */
export function step(title: string, remark?: string): void {
  console.log(`\n  ${title}`)
  if (remark) console.log(`      ${remark}`)
}

type Put = (agency: Agency, role: Parameters<Agency['call']>[0], record: Deposit) => Promise<Answer>

/** Everybody deposits what they know; every value is sealed, each with its source. */
export async function tellEverything(at: LakesideCase): Promise<void> {
  const { police, programme, support, hospital, childProtection } = at.agencies
  const put: Put = (agency, role, record) => deposit({ clock }, at, agency, role, record)
  await put(police, 'police_officer', {
    type: 'incident',
    informant: 'PO',
    fields: { occurred_at: before(9 * DAY), violence_types: ['physical', 'coercive_control'] },
  })
  await put(police, 'police_officer', {
    type: 'protection_order',
    subject: at.marko,
    informant: 'PO',
    collectedAt: before(3 * DAY),
    fields: {
      order_type: 'no_contact',
      status: 'in_force',
      exclusion_places: [{ lines: ['Harbour Lane 7'], municipality: 'Lakeside' }],
    },
  })
  await put(programme, 'pp_case_manager', {
    type: 'programme_engagement',
    subject: at.marko,
    informant: 'PP',
    fields: {
      status: 'dropout',
      dropout_at: before(DAY / 12),
      session_notes: 'Left in anger after the third session.',
    },
  })
  await put(programme, 'pp_case_manager', {
    type: 'risk_assessment',
    subject: at.marko,
    informant: 'PP',
    kind: 'assessment',
    collectedAt: before(45 * DAY),
    fields: { risk_level: 'high', changed_since_last: 'up' },
  })
  await put(support, 'vss_advocate', {
    type: 'contact_location',
    subject: at.ana,
    informant: 'V',
    toldBy: at.ana,
    fields: {
      victim_current_address: { lines: ['Orchard Road 12'], municipality: 'Lakeside' },
      safe_phone: '+38640555012',
    },
  })
  await put(support, 'vss_advocate', {
    type: 'safety_plan',
    subject: at.ana,
    informant: 'V',
    toldBy: at.ana,
    fields: { escape_route: 'back door, then the number 4 bus to her sister' },
  })
  await put(support, 'vss_advocate', {
    type: 'risk_assessment',
    subject: at.ana,
    informant: 'V',
    toldBy: at.ana,
    kind: 'assessment',
    fields: { risk_level: 'very_high' },
  })
  await put(hospital, 'physician', {
    type: 'health',
    subject: at.ana,
    informant: 'HE',
    fields: { injury_findings: 'bruises on both wrists', strangulation_signs: true },
  })
  await put(childProtection, 'cp_worker', {
    type: 'child',
    subject: at.lea,
    informant: 'CP',
    kind: 'assessment',
    fields: { exposure: ['witness'] },
  })
}

/** Both directions, and each way in which a field can stay. Throws when anything is not as it must be. */
export async function ask(
  at: LakesideCase,
): Promise<{ readonly dropout: Answer; readonly count: number }> {
  const { police, programme, support, hospital } = at.agencies
  let count = 0
  const answer = async (...parameters: Parameters<typeof disclose>): Promise<Answer> => {
    count += 1
    return expectStatus(201, disclose(...parameters))
  }

  step(
    'Lighthouse asks the programme whether Marko still attends (rule F9: safety comes first)',
    'The drop-out is released; the risk level is 45 days old, so it is released and marked; session notes stay.',
  )
  const dropout = await answer(at, support, 'partner_contact_worker', {
    subject: at.marko,
    purpose: 'safety_urgent',
    fields: [
      'programme_engagement.status',
      'programme_engagement.dropout_at',
      'risk_assessment.risk_level',
      'programme_engagement.session_notes',
    ],
    justification: 'weekly handover; she heard that he stayed away',
  })
  printEntries(dropout)
  expectEntry(dropout, 'programme_engagement.dropout_at', 'released')
  assert.equal(expectEntry(dropout, 'risk_assessment.risk_level', 'released').stale, true)
  expectEntry(dropout, 'programme_engagement.session_notes', 'withheld')

  step(
    'The programme asks the police for the protection order',
    'Its status was checked three days ago, too old to rely on. The places it keeps him from would locate her: not even their absence shows.',
  )
  const order = await answer(at, programme, 'pp_case_manager', {
    subject: at.marko,
    purpose: 'order_enforcement',
    fields: ['protection_order.status', 'protection_order.exclusion_places'],
  })
  printEntries(order)
  expectReason(order, 'protection_order.status', 'stale')
  expectNoEntry(order, 'protection_order.exclusion_places')

  step(
    'The police ask the hospital for Ana’s injuries',
    'She was not asked, and no duty to report is claimed.',
  )
  const injuries = await answer(at, police, 'police_officer', {
    subject: at.ana,
    purpose: 'criminal_investigation',
    fields: ['health.injury_findings', 'health.strangulation_signs'],
  })
  printEntries(injuries)
  expectReason(injuries, 'health.injury_findings', 'consent_missing')

  step(
    'The programme asks where Ana lives and whether she has an advocate',
    'A silent shield. The second request asks for something that nobody holds. The programme cannot tell the two answers apart:',
  )
  const where = ['contact_location.victim_current_address', 'victim_support.service_used']
  const nowhere = ['contact_location.shelter_flag', 'victim_support.case_worker']
  const shielded = await answer(at, programme, 'pp_case_manager', {
    subject: at.ana,
    purpose: 'risk_management',
    fields: where,
  })
  const absent = await answer(at, programme, 'pp_case_manager', {
    subject: at.ana,
    purpose: 'risk_management',
    fields: nowhere,
  })
  printEntries(shielded)
  printEntries(absent)
  assert.deepEqual(shape(shielded), shape(absent), 'the two answers differ only in ids and time')

  await consentAndWithdrawal(at, answer)

  step(
    'Two in the morning, Ana does not answer: the police break the glass',
    'Released for 24 hours; a second person has to look at it by the next working day, source and data protection officer are told.',
  )
  const glass = await answer(at, police, 'police_officer', {
    subject: at.ana,
    purpose: 'safety_urgent',
    fields: ['contact_location.victim_current_address', 'safety_plan.escape_route'],
    justification: 'emergency call at 02:00, not seen since midnight',
    exception: { code: 'break_glass', note: 'life in danger, neighbours heard shouting' },
  })
  printEntries(glass)
  expectEntry(glass, 'contact_location.victim_current_address', 'released')
  const reviews = await expectStatus(200, police.call('org_admin', 'GET', '/v1/reviews'))
  assert.equal(reviews.body.items.length, 1, 'one review is open')
  console.log(`      review open, due ${reviews.body.items[0].dueAt}`)

  step('The hospital’s own doctor reads back what the hospital wrote')
  const own = await answer(at, hospital, 'physician', {
    subject: at.ana,
    purpose: 'care_treatment',
    fields: ['health/inj'],
  })
  printEntries(own)
  expectEntry(own, 'health.injury_findings', 'released')
  return { dropout, count }
}

/** Her consent opens one item for one recipient; withdrawn, it closes at once. */
async function consentAndWithdrawal(
  at: LakesideCase,
  answer: (...parameters: Parameters<typeof disclose>) => Promise<Answer>,
): Promise<void> {
  const { programme } = at.agencies
  const request = {
    subject: at.ana,
    purpose: 'risk_management',
    fields: ['risk_assessment.risk_level'],
  }
  step('Ana consents: the programme may know her risk level, nothing else (rule F10)')
  const consent = await consentOfAna(at, ['risk_assessment.risk_level'])
  const given = await answer(at, programme, 'pp_case_manager', request)
  printEntries(given)
  expectEntry(given, 'risk_assessment.risk_level', 'released')

  step(
    'She withdraws it. The same request, a moment later:',
    'Nothing, and not even why: on his side every reason that has to do with her is silent. (The programme got a notice to stop using what it had.)',
  )
  await withdraw(at, consent)
  const withdrawn = await answer(at, programme, 'pp_case_manager', request)
  printEntries(withdrawn)
  assert.ok(
    !withdrawn.body.fields.some(({ outcome }: { outcome: string }) => outcome === 'released'),
    'nothing is released after the withdrawal',
  )
}

function expectEntry(answer: Answer, field: string, outcome: string) {
  const entry = answer.body.fields.find((one: { field: string }) => one.field === field)
  assert.equal(entry?.outcome, outcome, field)
  return entry
}

function expectReason(answer: Answer, field: string, code: string): void {
  const { reasons } = expectEntry(answer, field, 'withheld')
  assert.ok(
    reasons.some((reason: { code: string }) => reason.code === code),
    `${field} is withheld for ${code}`,
  )
}

function expectNoEntry(answer: Answer, field: string): void {
  const found = answer.body.fields.some((one: { field: string }) => one.field === field)
  assert.equal(found, false, `${field} does not show`)
}

/** All of an answer that is neither an id nor a time. */
function shape({ status, body }: Answer): unknown {
  const { outcome, fields, policy } = body
  return { status, outcome, fields, policy, members: Object.keys(body).sort() }
}
