/** Agencies that ask and deposit without a pause, and remember what they were answered. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PractitionerRole } from '../../src/domain/case/vocabulary.ts'
import type { Answer } from '../support/agency-client.ts'
import type { LakesideCase } from '../support/lakeside-case.ts'
import type { Agency } from '../support/world.ts'

/** One request, and what its client knows of it. */
export interface Attempt {
  readonly kind: 'disclosure' | 'deposit'
  readonly agency: Agency
  readonly role: PractitionerRole
  readonly path: string
  readonly body: unknown
  readonly key: string
  /** The body of the 201, read to its end; absent when none came. */
  answer?: Answer['body']
}

export interface Load {
  readonly attempts: readonly Attempt[]
  /** Every distinct checkpoint that was served, in the order in which it was seen. */
  readonly checkpoints: readonly string[]
  /** Statuses of answers that were no 201, with their codes. */
  readonly refusals: ReadonlyMap<string, number>
  /** Lets everybody finish what they are at. */
  stop(): Promise<void>
}

/** Starts everybody; nothing that goes wrong ends them. */
export function startLoad(origin: string, at: LakesideCase): Load {
  const attempts: Attempt[] = []
  const seen = new Set<string>()
  const refusals = new Map<string, number>()
  const stopping = new AbortController()
  const forever = async (pause: number, work: () => Promise<unknown>): Promise<void> => {
    while (!stopping.signal.aborted) {
      await work().catch(() => {})
      await sleep(Math.random() * 2 * pause)
    }
  }
  const run = (pause: number, make: () => Omit<Attempt, 'key'>) =>
    forever(pause, async () => {
      const attempt: Attempt = { ...make(), key: randomUUID() }
      attempts.push(attempt)
      await send(attempt, refusals)
    })
  const running = [
    ...disclosures(at).map((make) => run(8, make)),
    run(25, () => deposit(at)),
    forever(15, async () => {
      const answer = await fetch(`${origin}/log/checkpoint`)
      const note = await answer.text()
      if (answer.status === 200) seen.add(note)
    }),
  ]
  return {
    attempts,
    refusals,
    get checkpoints() {
      return [...seen]
    },
    async stop() {
      stopping.abort()
      await Promise.all(running)
    },
  }
}

/** Sends a request, the first time or again, and notes a 201 that was read to its end. */
export async function send(attempt: Attempt, refusals?: Map<string, number>): Promise<Answer> {
  const { agency, role, path, body, key } = attempt
  const answer = await agency.call(role, 'POST', path, { body, idempotencyKey: key })
  if (answer.status === 201) attempt.answer = answer.body
  else if (refusals) {
    const what = `${answer.status} ${answer.body?.code}`
    refusals.set(what, (refusals.get(what) ?? 0) + 1)
  }
  return answer
}

type Make = () => Omit<Attempt, 'key'>

/** Two that release, one that is refused: a refusal is logged like a release. */
function disclosures({ agencies, caseId, ana, marko }: LakesideCase): Make[] {
  const ask = (
    agency: Agency,
    role: PractitionerRole,
    request: { subjectId: string; purpose: string; fields: string[]; justification?: string },
  ): Make => {
    const body = { caseId, ...request }
    return () => ({ kind: 'disclosure', agency, role, path: '/v1/disclosures', body })
  }
  return [
    ask(agencies.support, 'partner_contact_worker', {
      subjectId: marko,
      purpose: 'safety_urgent',
      fields: ['programme_engagement.status'],
      justification: 'she heard that he stayed away',
    }),
    ask(agencies.hospital, 'physician', {
      subjectId: ana,
      purpose: 'care_treatment',
      fields: ['health/inj'],
    }),
    ask(agencies.police, 'police_officer', {
      subjectId: ana,
      purpose: 'criminal_investigation',
      fields: ['health.injury_findings'],
    }),
  ]
}

/** A name that nobody else deposits. */
function deposit({ agencies, caseId, marko }: LakesideCase): ReturnType<Make> {
  const at = new Date().toISOString()
  return {
    kind: 'deposit',
    agency: agencies.programme,
    role: 'pp_case_manager',
    path: `/v1/cases/${caseId}/records`,
    body: {
      type: 'person',
      subjectId: marko,
      fields: { full_name: `Marko ${randomUUID()}` },
      provenance: { informant: 'PP', kind: 'fact', collectedAt: at, verifiedAt: at },
    },
  }
}
