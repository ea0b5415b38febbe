/** What deposit and amendment have in common: whether values may be recorded, and what recording them sets off. */
import type { Catalogue, PolicyFlag, RecordDefinition } from '../domain/catalogue/types.ts'
import { deriveFlags } from '../domain/catalogue/flags.ts'
import type { CasePerson, CaseView } from '../domain/case/case-view.ts'
import { type MissingContent, missingContent } from '../domain/case/minimum-content.ts'
import { dutyDueAt } from '../domain/case/duty-clock.ts'
import { partiesOf } from '../domain/case/parties.ts'
import { fitsInformant } from '../domain/case/provenance.ts'
import { partyFaults } from '../domain/case/record-subject.ts'
import type { RequestFault } from '../domain/case/request-fault.ts'
import type { StoredProvenance } from '../domain/case/stored-record.ts'
import type { Sector } from '../domain/case/vocabulary.ts'
import { type Wording, type WordingHint, wordingHints } from '../domain/case/wording.ts'
import type { Json } from '../domain/log/canonical.ts'
import { durationMs } from '../domain/policy/duration.ts'
import { type ErrorCode, OstiaryError } from '../errors.ts'
import type * as agencies from '../storage/agencies.ts'
import type { Tx } from '../storage/database.ts'
import type * as duties from '../storage/duties.ts'
import type * as locks from '../storage/locks.ts'
import type { FieldFlags } from '../vault/sealed-record.ts'
import type { Caller } from './caller.ts'
import { requirePerson } from './case-access.ts'
import type { DutiesInForce } from './duties-in-force.ts'
import type { Runtime } from './runtime.ts'

/** Values by field name, valid by the record type's schema. */
export type Values = Readonly<Record<string, Json>>

/** Faults of a `fields` object against its record type; pointers start with `base`. */
export type ValidateFields = (
  type: string,
  fields: unknown,
  base?: string,
) => readonly { readonly code: ErrorCode; readonly pointer: string; readonly detail: string }[]

/** The definition of a record type. Throws `unknown_record_type`. */
export function requireType(catalogue: Catalogue, type: string): RecordDefinition {
  const definition = catalogue.recordsByType[type]
  if (definition) return definition
  const errors = [{ pointer: '#/type', detail: 'is not a record type of the catalogue' }]
  throw new OstiaryError('unknown_record_type', { errors })
}

/** Throws one error for all faults, named after the gravest: names before values. */
export function refuseFaults(
  faults: readonly {
    readonly code: ErrorCode
    readonly pointer: string
    readonly detail: string
  }[],
): void {
  const [first] = faults
  if (!first) return
  const gravest = faults.find(({ code }) => code === 'unknown_field') ?? first
  const errors = faults.map(({ pointer, detail }) => ({ pointer, detail }))
  throw new OstiaryError(gravest.code, { errors })
}

/** Throws `subject_not_allowed` when the fields cannot be about this person. */
export function requireParty(
  definition: RecordDefinition,
  names: readonly string[],
  subject: CasePerson,
): void {
  refuseFaults(partyFaults(definition, names, partiesOf(subject.roles)))
}

/**
 * Informant persons have to be persons of the case whom the agency sees, of the informant's party.
 * Throws `not_found`, `invalid_body`.
 */
export function requireInformants(
  view: CaseView,
  origins: ReadonlyMap<string, StoredProvenance>,
): void {
  const faults: RequestFault[] = []
  for (const origin of new Set(origins.values())) {
    if (origin.informantPersonId === undefined) continue
    const { roles } = requirePerson(view, origin.informantPersonId)
    if (!fitsInformant(origin, partiesOf(roles)))
      faults.push({
        code: 'invalid_body',
        pointer: '#/provenance/informantPersonId',
        detail: 'is not a person of the informant’s party',
      })
  }
  refuseFaults(faults.slice(0, 1))
}

/**
 * The policy flags of each field's value; undefined for a record type that can raise none, so that
 * having raised none does not show.
 */
export function flagsOf(definition: RecordDefinition, values: Values): FieldFlags | undefined {
  if (definition.fields.every(({ flags }) => flags.length === 0)) return undefined
  const raised = Object.entries(values).map(([name, value]): [string, readonly PolicyFlag[]] => [
    name,
    deriveFlags(definition, { [name]: value }),
  ])
  return Object.fromEntries(raised)
}

/** What the author of a record is told about it besides that it was kept; neither refuses anything. */
export interface RecordAdvice {
  /** Wording that blames or blurs (R26). */
  readonly hints?: readonly WordingHint[]
  /** What a minimum asks for and the record does not hold (R138). */
  readonly missing?: readonly MissingContent[]
}

/**
 * Advice about the values that a request states, and about the names that the record then holds. The
 * same for the same request, so that a repeated one is told the same.
 */
export function adviceOn(
  { wording, sector }: { readonly wording: readonly Wording[]; readonly sector: Sector },
  definition: RecordDefinition,
  stated: {
    readonly values: Values
    readonly origins: ReadonlyMap<string, StoredProvenance>
    readonly held: readonly string[]
  },
): RecordAdvice {
  const texts = new Set(definition.fields.filter(({ text }) => text).map(({ name }) => name))
  const hints = wordingHints(wording, stated.values, texts, stated.origins)
  const missing = missingContent(sector, definition.type, stated.held)
  return { ...(hints.length > 0 ? { hints } : {}), ...(missing.length > 0 ? { missing } : {}) }
}

export interface GuaranteeDependencies {
  readonly agencies: Pick<typeof agencies, 'guaranteedProgrammes'>
  readonly locks: Pick<typeof locks, 'lockShared'>
  readonly runtime: Pick<Runtime, 'now'>
}

/**
 * A perpetrator programme works with a man only while somebody is there for his partner (R66, S33):
 * throws `partner_contact_not_guaranteed` when it sets his engagement active without.
 */
export async function requirePartnerContact(
  deps: GuaranteeDependencies,
  tx: Tx,
  caller: Caller,
  type: string,
  values: Values,
): Promise<void> {
  if (caller.sector !== 'perpetrator_programme') return
  if (type !== 'programme_engagement' || values['status'] !== 'active') return
  // An end of the agreement takes this lock exclusively.
  await deps.locks.lockShared(tx, [`agency:${caller.agencyId}`])
  const { agencyId } = caller
  const guaranteed = await deps.agencies.guaranteedProgrammes(tx, [agencyId], deps.runtime.now())
  if (!guaranteed.has(agencyId)) throw new OstiaryError('partner_contact_not_guaranteed')
}

export interface DutyDependencies {
  readonly dutiesInForce: DutiesInForce
  readonly duties: Pick<typeof duties, 'openDuties'>
  readonly runtime: Pick<Runtime, 'uuid'>
}

/** Opens the duties that the recorded values set off; gives the ids of their rules. */
export async function openDutiesOf(
  deps: DutyDependencies,
  tx: Tx,
  record: {
    readonly id: string
    readonly caseId: string
    readonly agencyId: string
    readonly subjectId: string | null
  },
  definition: RecordDefinition,
  values: Values,
  at: Date,
): Promise<readonly string[]> {
  const fields = definition.fields.filter(({ name }) => Object.hasOwn(values, name))
  const byId = new Map(fields.map((field) => [field.id, field]))
  const statements = await deps.dutiesInForce(tx, [...byId.keys()])
  const opened = statements.flatMap(({ id: rule, when, notify, within, then }) => {
    const field = byId.get(when.recorded)
    const span = durationMs(within)
    if (!field || span === undefined) return []
    const { id: recordId, caseId, agencyId, subjectId } = record
    return [
      {
        id: deps.runtime.uuid(),
        rule,
        caseId,
        subjectId,
        recordId,
        field: field.id,
        agencyId,
        notify,
        escalateTo: then.escalate_to,
        dueAt: dutyDueAt(field, values[field.name], at, span),
      },
    ]
  })
  await deps.duties.openDuties(tx, opened, at)
  return opened.map(({ rule }) => rule)
}
