/** Where each value of a deposit comes from (R29; LED art. 6–7): the record's provenance, and what single fields say otherwise. */
import type { Informant, Party, StatementKind } from '../catalogue/types.ts'
import type { RequestFault } from './request-fault.ts'
import type { StoredProvenance } from './stored-record.ts'

/** Provenance as a request states it. Times are RFC 3339. */
export interface Provenance {
  readonly informant: Informant
  /** Person of the case who said it. */
  readonly informantPersonId?: string
  readonly kind: StatementKind
  readonly collectedAt: string
  readonly verifiedAt?: string
  readonly verifiedBy?: string
  readonly method?: string
  readonly reliability?: string
}

/** What a request says of the origin of its values. */
export interface StatedProvenance {
  readonly provenance: Provenance
  /** By field name; members given here replace those of `provenance`. */
  readonly fieldProvenance?: Readonly<Record<string, Partial<Provenance>>>
}

/** Informants who are parties: then the record says which person of the case it was. */
export const PARTY_OF: Readonly<Partial<Record<Informant, Party>>> = {
  V: 'victim',
  P: 'perpetrator',
  CH: 'child',
}

/** The provenance of each named field. Times become ISO 8601 in UTC with milliseconds. */
export function resolveProvenance(
  names: readonly string[],
  { provenance, fieldProvenance = {} }: StatedProvenance,
): ReadonlyMap<string, StoredProvenance> {
  return new Map(
    names.map((name) => {
      const own = Object.hasOwn(fieldProvenance, name) ? fieldProvenance[name] : undefined
      return [name, stored(own ? overridden(provenance, own) : provenance)]
    }),
  )
}

/** A field that somebody else told was not told by the record's informant person. */
function overridden(base: Provenance, own: Partial<Provenance>): Provenance {
  const { informantPersonId, ...rest } = base
  const samePerson = own.informant === undefined || own.informant === base.informant
  const person = samePerson && informantPersonId !== undefined ? { informantPersonId } : {}
  return { ...rest, ...person, ...own }
}

function stored(provenance: Provenance): StoredProvenance {
  const { collectedAt, verifiedAt, ...rest } = provenance
  return {
    ...rest,
    collectedAt: new Date(collectedAt).toISOString(),
    ...(verifiedAt === undefined ? {} : { verifiedAt: new Date(verifiedAt).toISOString() }),
  }
}

/**
 * Faults that show without looking at the case: times later than `now`, a party without its person,
 * and an origin for a field that the request does not hold.
 */
export function provenanceFaults(
  names: readonly string[],
  stated: StatedProvenance,
  now: Date,
): readonly RequestFault[] {
  const { provenance, fieldProvenance = {} } = stated
  const foreign = Object.keys(fieldProvenance).some((name) => !names.includes(name))
  const faults: RequestFault[] = foreign
    ? [
        {
          code: 'unknown_field',
          pointer: '#/fieldProvenance',
          detail: 'names a field that gets no value here',
        },
      ]
    : []
  const overrides = names.flatMap((name) => {
    const own = Object.hasOwn(fieldProvenance, name) ? fieldProvenance[name] : undefined
    return own ? [{ base: `#/fieldProvenance/${name}`, given: overridden(provenance, own) }] : []
  })
  for (const { base, given } of [{ base: '#/provenance', given: provenance }, ...overrides])
    faults.push(...timeFaults(given, base, now), ...personFaults(given, base))
  return faults
}

function timeFaults(given: Provenance, base: string, now: Date): RequestFault[] {
  return (['collectedAt', 'verifiedAt'] as const).flatMap((name) => {
    const time = given[name]
    if (time === undefined || Date.parse(time) <= now.getTime()) return []
    return [
      {
        code: 'collected_in_future',
        pointer: `${base}/${name}`,
        detail: 'must not be later than now',
      },
    ]
  })
}

function personFaults(given: Provenance, base: string): RequestFault[] {
  if (PARTY_OF[given.informant] === undefined || given.informantPersonId !== undefined) return []
  return [
    {
      code: 'informant_person_required',
      pointer: `${base}/informantPersonId`,
      detail: 'must say which person of the case it was',
    },
  ]
}

/** Whether the informant person may be this informant: a party's informant is a person of that party. */
export function fitsInformant(
  { informant }: Pick<Provenance, 'informant'>,
  parties: readonly Party[],
): boolean {
  const party = PARTY_OF[informant]
  return party === undefined || parties.includes(party)
}
