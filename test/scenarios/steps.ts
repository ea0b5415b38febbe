/** The verbs of scenarios: what each does over the API. */
import { CompactSign, importJWK } from 'jose'
import type { Answer } from '../support/agency-client.ts'
import type { ConsentStep, Origin, Question, Step } from './scenario.ts'
import {
  type Actor,
  actorOf,
  agencyOf,
  agree,
  caseOf,
  datedTrainings,
  earlier,
  personOf,
  type PlacedCase,
  type Remembered,
  type Stage,
} from './stage.ts'

/** Everything that a verb works with. */
interface Scene {
  readonly stage: Stage
  readonly placed: PlacedCase
  readonly actor: Actor
}

/** A request that can be sent again as it was. */
interface Sending {
  readonly status: number
  readonly send: () => Promise<Answer>
}

/** Carries out one step; gives its answer, the status of success, and how to repeat it. */
export async function carryOut(
  stage: Stage,
  step: Step,
): Promise<Remembered & { readonly success: number }> {
  if (step.at !== undefined) stage.world.clock.set(step.at)
  const scene = {
    stage,
    placed: caseOf(stage, step),
    actor: actorOf(stage.agencies, stage.people, step.by ?? ''),
  }
  const { status, send } = await sendingOf(scene, step)
  return { answer: await send(), again: send, success: status }
}

/** Verbs in the order in which they are looked for; the schema lets a step have one. */
async function sendingOf(scene: Scene, step: Step): Promise<Sending> {
  const { stage, actor } = scene
  if (step.deposit) return deposit(scene, step.deposit)
  if (step.amend) return amend(scene, step.amend)
  if (step.verify) return verify(scene, step.verify)
  if (step.contest) return contest(scene, step.contest)
  if (step.consent) return consent(scene, step.consent)
  if (step.withdraw !== undefined)
    return post(actor, 200, `/v1/consents/${idOf(stage, step.withdraw)}/withdrawal`)
  const { agree: agreement } = step
  if (agreement) return { status: 201, send: () => agree(stage.agencies, actor, agreement) }
  if (step.accept !== undefined)
    return post(actor, 200, `/v1/agreements/${idOf(stage, step.accept)}/acceptance`, {
      signatory: 'the director',
    })
  if (step.terminate !== undefined)
    return post(actor, 200, `/v1/agreements/${idOf(stage, step.terminate)}/termination`)
  if (step.ask) return post(actor, 201, '/v1/disclosures', questionBody(scene, step.ask))
  if (step.preview)
    return post(actor, 200, '/v1/disclosures/preview', questionBody(scene, step.preview))
  if (step.repeat !== undefined) return { status: 201, send: earlier(stage, step.repeat).again }
  if (step.review) return review(scene, step.review)
  if (step.release !== undefined)
    return post(actor, 201, `/v1/disclosures/${idOf(stage, step.release)}/release`)
  if (step.see) return see(scene, step.see)
  if (step.train) return train(scene, step.train)
  if (step.activate !== undefined) return activate(scene, step.activate)
  if (step.bring) return bring(scene, step.bring)
  if (step.join) return join(scene, step.join)
  if (step.leave !== undefined) return leave(scene, step.leave)
  throw new Error('a step without a verb')
}

/** A POST whose repetition bears the same key. */
function post(actor: Actor, status: number, path: string, body?: object): Sending {
  const idempotencyKey = crypto.randomUUID()
  const options = { idempotencyKey, ...(body ? { body } : {}) }
  return { status, send: () => actor.call('POST', path, options) }
}

const idOf = (stage: Stage, name: string): string => earlier(stage, name).answer.body.id

function deposit(
  { stage, placed, actor }: Scene,
  { type, about, fields, ...origin }: NonNullable<Step['deposit']>,
): Sending {
  return post(actor, 201, `/v1/cases/${placed.caseId}/records`, {
    type,
    ...(about === undefined ? {} : { subjectId: personOf(placed, about) }),
    fields,
    ...originBody(stage, placed, origin),
  })
}

function amend(
  { stage, placed, actor }: Scene,
  { record, fields, ...origin }: NonNullable<Step['amend']>,
): Sending {
  const body = { fields, ...originBody(stage, placed, origin) }
  const headers = { 'if-match': '*' }
  const path = `/v1/records/${idOf(stage, record)}`
  return { status: 200, send: () => actor.call('PATCH', path, { body, headers }) }
}

function originBody(
  { world }: Stage,
  placed: PlacedCase,
  { informant, toldBy, kind = 'fact', collectedAt, verifiedAt, conditions }: Origin,
) {
  const collected = collectedAt ?? world.clock.now().toISOString()
  return {
    provenance: {
      informant,
      kind,
      collectedAt: collected,
      ...(toldBy === undefined ? {} : { informantPersonId: personOf(placed, toldBy) }),
      ...(verifiedAt === 'never' ? {} : { verifiedAt: verifiedAt ?? collected }),
    },
    ...(conditions === undefined ? {} : { conditions }),
  }
}

function verify({ stage, actor }: Scene, { record, fields }: NonNullable<Step['verify']>): Sending {
  const verifiedAt = stage.world.clock.now().toISOString()
  const path = `/v1/records/${idOf(stage, record)}/verifications`
  return post(actor, 201, path, { fields, verifiedAt })
}

function contest(
  { stage, placed, actor }: Scene,
  { record, fields, contestedBy, note }: NonNullable<Step['contest']>,
): Sending {
  return post(actor, 201, `/v1/records/${idOf(stage, record)}/contestations`, {
    fields,
    ...(contestedBy === undefined ? {} : { contestedBy: personOf(placed, contestedBy) }),
    ...(note === undefined ? {} : { note }),
  })
}

/** A consent as it should be, save for what the step says otherwise. */
function consent({ stage, placed, actor }: Scene, { from, items, ...how }: ConsentStep): Sending {
  return post(actor, 201, '/v1/consents', {
    caseId: placed.caseId,
    subjectId: personOf(placed, from),
    items: items.map(({ purpose, to, roles, fields }) => ({
      purpose,
      recipient: to.startsWith('every ')
        ? { sector: to.slice('every '.length) }
        : { agencyId: agencyOf(stage.agencies, to).id },
      ...(roles === undefined ? {} : { recipientRoles: roles }),
      fields,
    })),
    explicit: true,
    separate: true,
    conditionOfService: false,
    coercionChecked: true,
    inAbsenceOfOtherParty: true,
    language: 'sl',
    noticeVersion: '2026-3',
    evidenceRef: 'signed form 2026/88',
    ...how,
  })
}

function questionBody({ placed }: Scene, { about, ...question }: Question): object {
  return { caseId: placed.caseId, subjectId: personOf(placed, about), ...question }
}

/** Finds the task as its reviewer sees it, and signs its hash with the reviewer's own key. */
async function review(
  { stage, actor }: Scene,
  { of, decision, note = 'looked at the file' }: NonNullable<Step['review']>,
): Promise<Sending> {
  const disclosureId = idOf(stage, of)
  const listed = await actor.call('GET', '/v1/reviews?limit=200')
  const tasks: { disclosureId: string; hash: string }[] = listed.body.items
  for (const task of tasks) stage.hashes.set(task.disclosureId, task.hash)
  // Whoever has no task to see can only guess.
  const hash = stage.hashes.get(disclosureId) ?? ''
  const { privateJwk } = actor.person
  const payload = new TextEncoder().encode(JSON.stringify({ hash, decision }))
  const signature = await new CompactSign(payload)
    .setProtectedHeader({ alg: 'ES256' })
    .sign(await importJWK(privateJwk, 'ES256'))
  const body = { decision, note, signature }
  return post(actor, 200, `/v1/disclosures/${disclosureId}/review`, body)
}

function see({ placed, actor }: Scene, what: NonNullable<Step['see']>): Sending {
  const path = {
    case: `/v1/cases/${placed.caseId}`,
    duties: `/v1/cases/${placed.caseId}/duties`,
    intake: `/v1/cases/${placed.caseId}/intake`,
    notices: '/v1/notices?limit=200',
    reviews: '/v1/reviews?limit=200',
    received: '/v1/disclosures?direction=received&limit=200',
    made: '/v1/disclosures?direction=made&limit=200',
    agency: `/v1/agencies/${actor.agency.id}`,
    agreements: '/v1/agreements?limit=200',
  }[what]
  return { status: 200, send: () => actor.call('GET', path) }
}

function activate({ stage, actor }: Scene, name: string): Sending {
  const path = `/v1/agencies/${agencyOf(stage.agencies, name).id}`
  const options = { body: { active: true }, headers: { 'if-match': '*' } }
  return { status: 200, send: () => actor.call('PATCH', path, options) }
}

function train(
  { stage, actor }: Scene,
  { person, trainings }: NonNullable<Step['train']>,
): Sending {
  const path = `/v1/practitioners/${stage.people.get(person)?.person.id}`
  const options = { body: { trainings: datedTrainings(trainings) }, headers: { 'if-match': '*' } }
  return { status: 200, send: () => actor.call('PATCH', path, options) }
}

function bring({ placed, actor }: Scene, { role, called }: NonNullable<Step['bring']>): Sending {
  const send = async () => {
    const answer = await actor.call('POST', `/v1/cases/${placed.caseId}/persons`, {
      body: { role },
    })
    if (answer.status === 201) placed.persons.set(called, answer.body.id)
    return answer
  }
  return { status: 201, send }
}

function join(
  { stage, placed, actor }: Scene,
  { agency, actsFor }: NonNullable<Step['join']>,
): Sending {
  const body = { agencyId: agencyOf(stage.agencies, agency).id, actsFor }
  return post(actor, 201, `/v1/cases/${placed.caseId}/members`, body)
}

function leave({ stage, placed, actor }: Scene, name: string): Sending {
  const path = `/v1/cases/${placed.caseId}/members/${agencyOf(stage.agencies, name).id}`
  return { status: 204, send: () => actor.call('DELETE', path) }
}
