/** Plays scenarios: step after step, each held to what it expects and to what always has to be so. */
import type { Catalogue } from '../../src/domain/catalogue/types.ts'
import { type AuditEvent, type Entry, faultsOf, type Outcome } from './expectations.ts'
import type { Scenario, Step } from './scenario.ts'
import { caseOf, nameOfAgency, setStage, type Stage, type Theatre } from './stage.ts'
import { carryOut } from './steps.ts'

/** One step with its faults; none of them if all is as it should be. */
export interface PlayedStep {
  readonly name: string
  readonly faults: readonly string[]
}

/** Plays a scenario to its end, or up to the first step that could not be carried out. */
export async function play(
  theatre: Theatre,
  catalogue: Catalogue,
  scenario: Scenario,
): Promise<readonly PlayedStep[]> {
  const stage = await setStage(theatre, scenario)
  const played: PlayedStep[] = []
  for (const [index, step] of scenario.steps.entries()) {
    const name = `${index + 1}. ${nameOf(step)}`
    try {
      const outcome = step.clocks ? await runClocks(stage, step) : await act(stage, step)
      const place = { stage, placed: caseOf(stage, step), catalogue }
      const faults = [
        ...faultsOf(place, outcome, step.expect ?? {}),
        ...alwaysFaults(outcome, step),
      ]
      played.push({ name, faults })
    } catch (error) {
      return [...played, { name, faults: [error instanceof Error ? error.message : String(error)] }]
    }
  }
  return played
}

function nameOf({ case: told, by, at, as, expect, in: where, ...verb }: Step): string {
  const [name = '', how] = Object.entries(verb)[0] ?? []
  const what = typeof how === 'string' ? `${name} ${how}` : name
  return [told ?? `${by ?? ''} ${what}`, where, at].filter(Boolean).join(', ')
}

async function act(stage: Stage, step: Step): Promise<Outcome> {
  const { answer, again, success } = await carryOut(stage, step)
  if (step.as !== undefined) stage.remembered.set(step.as, { answer, again })
  const requestId = answer.headers.get('request-id')
  const audit = await eventsWhere(stage, 'request_id = $1', [requestId])
  return { answer, success, audit }
}

/** Runs what falls due; its events are those that are new in the scenario's cases. */
async function runClocks(stage: Stage, step: Step): Promise<Outcome> {
  if (step.at !== undefined) stage.world.clock.set(step.at)
  const { caseId } = caseOf(stage, step)
  const known = await stage.db.query<{ id: string }>('select id from audit_event')
  await stage.world.ostiary.runClocks()
  const ids = known.rows.map(({ id }) => id)
  const audit = await eventsWhere(stage, 'case_id = $1 and id <> all ($2)', [caseId, ids])
  return {
    answer: { status: 204, headers: new Headers(), text: '', body: {} },
    success: 204,
    audit,
  }
}

async function eventsWhere(
  stage: Stage,
  condition: string,
  values: readonly unknown[],
): Promise<readonly AuditEvent[]> {
  const { rows } = await stage.db.query<{
    type: string
    agency_id: string | null
    public_part: string
    private_part: string
  }>(`select type, agency_id, public_part, private_part from audit_event where ${condition}`, [
    ...values,
  ])
  return rows.map((row) => ({
    type: row.type,
    agency: row.agency_id && nameOfAgency(stage, row.agency_id),
    public: JSON.parse(row.public_part),
    private: JSON.parse(row.private_part),
  }))
}

/** What every answer to a question keeps to, whatever the scenario is about. */
function alwaysFaults({ answer, audit }: Outcome, step: Step): string[] {
  const asked = step.ask ?? step.preview ?? step.repeat ?? step.release
  if (asked === undefined || answer.status >= 400) return []
  const entries: readonly Entry[] = answer.body.fields
  const event = audit.find(({ type }) => type.startsWith('disclose.'))
  const logged = (event?.public as { entries?: unknown } | undefined)?.entries
  const shown = entries.map(({ value: _, ...entry }) => entry)
  return [
    ...entries.flatMap(entryFaults),
    ...(step.preview && entries.some((entry) => 'value' in entry) ? ['a preview has values'] : []),
    ...(equal(logged, shown) ? [] : ['the log tells something else than the answer']),
  ]
}

/** What leaves has passed all four tests, what stays has failed one, and says so (R1). */
function entryFaults({ field, outcome, tests, reasons }: Entry): string[] {
  const failed = Object.values(tests).includes('fail')
  const passed = Object.values(tests).filter((result) => result === 'pass').length
  if (outcome === 'withheld')
    return failed && (reasons ?? []).length > 0 ? [] : [`${field} is withheld without a reason`]
  return !failed && passed === 4 ? [] : [`${field} has not passed all four tests`]
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
}

/** The same with members in the order of their names. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, one]) => [name, sorted(one)]))
}
