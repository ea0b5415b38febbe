import { partiesOf } from '../../case/parties.ts'
import type { PersonRole } from '../../case/vocabulary.ts'
import type { FieldDefinition, Party } from '../../catalogue/types.ts'
import type { Facts, ValueFacts } from '../facts.ts'
import type { Point } from './diagrams.ts'
import { type Space, UNCLAIMED } from './space.ts'

// From a point of the space back to a request that could happen: the oracle of the prover, and what a
// broken guardrail shows. Names are roles, not people.

const AT = Date.UTC(2026, 0, 15, 12)
const DAY = 86_400_000
const RECIPIENT = 'recipient'
const SUBJECT = 'subject'

/** The facts of one request for one value of the field, at a point of the space. */
export function factsAt(space: Space, point: Point, field: FieldDefinition): Facts {
  const word = (attribute: string, other: string) => space.wordAt(attribute, point) ?? other
  const yes = (attribute: string) => space.wordAt(attribute, point) === 'yes'
  const membership = word('actsFor', 'all')
  const exception = word('exception', UNCLAIMED)
  const transfer = word('transfer', 'external')
  const organisation = transfer === 'external' ? 'house of the source' : 'house of the recipient'
  const roles = space.rolesAt(point) as readonly PersonRole[]
  const source = transfer === 'own' ? RECIPIENT : 'source'
  // Words are those of the program's own vocabulary, which need not be the server's.
  return {
    at: AT,
    request: {
      purpose: word('purpose', 'referral'),
      fields: [field],
      justified: yes('justified'),
      ethicsNoted: yes('ethicsNoted'),
      ...(exception === UNCLAIMED ? {} : { exception }),
      channel: yes('boundToken') ? 'sender_constrained' : 'bearer',
      sealed: yes('sealed'),
      approvedBy: yes('approved') ? [source] : [],
    },
    recipient: {
      agencyId: RECIPIENT,
      sector: word('sector', 'police'),
      country: word('country', 'AT'),
      public: yes('public'),
      competentAuthority: yes('competentAuthority'),
      nationalAuthorisation: yes('nationalAuthorisation'),
      organisationId: 'house of the recipient',
      actsFor: membership === 'none' ? [] : [membership],
      role: word('role', 'police_officer'),
      trainings: trainingsAt(space, point),
    },
    subject: { personId: SUBJECT, roles, parties: partiesOf(roles) },
    values: [valueAt(space, point, field, { source, organisation, roles })],
    consents: consentsAt(space, point, field),
    agreements: yes('agreement')
      ? [
          {
            id: 'agreement',
            parties: [source, RECIPIENT],
            purposes: [word('purpose', 'referral')],
            validFrom: AT - DAY,
            validTo: AT + DAY,
          },
        ]
      : [],
    flags: space.names.flatMap((name) =>
      name.startsWith('flag.') && yes(name) ? [name.slice('flag.'.length)] : [],
    ),
  } as unknown as Facts
}

interface Held {
  readonly source: string
  readonly organisation: string
  readonly roles: readonly PersonRole[]
}

function valueAt(space: Space, point: Point, field: FieldDefinition, held: Held): ValueFacts {
  const word = (attribute: string, other: string) => space.wordAt(attribute, point) ?? other
  const yes = (attribute: string) => space.wordAt(attribute, point) === 'yes'
  const membership = word('from.actsFor', 'all')
  const teller = word('teller', 'nobody')
  const old = AT - ageAt(space, point, 'age', DAY)
  return {
    field,
    recordId: 'record',
    version: 1,
    source: {
      agencyId: held.source,
      sector: word('from.sector', 'police'),
      organisationId: held.organisation,
      public: yes('from.public'),
      competentAuthority: yes('from.competentAuthority'),
      actsFor: membership === 'none' ? [] : [membership],
    },
    informant: word('informant', 'PO'),
    ...(teller === 'nobody' ? {} : { informantPersonId: 'teller' }),
    informantParties: ['nobody', 'person'].includes(teller) ? [] : teller.split('+'),
    kind: word('kind', 'fact'),
    collectedAt: old,
    ...(yes('verified') ? { verifiedAt: old } : {}),
    subjectParties: word('about', 'subject') === 'subject' ? partiesOf(held.roles) : [],
    contested: yes('contested'),
    restricted: yes('restricted'),
    // A flag of the value's own record is one of the case, too.
    flags: space.names.flatMap((name) => {
      const flag = name.slice('own.'.length)
      return name.startsWith('own.') && yes(name) && yes(`flag.${flag}`) ? [flag] : []
    }),
    conditions: [],
    releasedBefore: false,
  } as unknown as ValueFacts
}

/** An age in the class of the point: the class's own limit, or beyond all of them. */
function ageAt(space: Space, point: Point, attribute: string, other: number): number {
  if (!space.has(attribute)) return other
  const limits = space.limitsOf(attribute)
  return limits[point[space.level(attribute)] ?? 0] ?? (limits.at(-1) ?? 0) + DAY
}

function trainingsAt(space: Space, point: Point): readonly { code: string; at: number }[] {
  return space.names.flatMap((name) => {
    if (!name.startsWith('training.')) return []
    const limits = space.limitsOf(name)
    const limit = limits[point[space.level(name)] ?? 0]
    return limit === undefined ? [] : [{ code: name.slice('training.'.length), at: AT - limit }]
  })
}

/** Of whoever's consent counts for the value: the person who told it, else the subject. */
function consentsAt(space: Space, point: Point, field: FieldDefinition): readonly object[] {
  const state = space.wordAt('consent', point) ?? 'none'
  if (state === 'none') return []
  const told = (space.wordAt('teller', point) ?? 'nobody') !== 'nobody'
  return [
    {
      id: 'consent',
      personId: told ? 'teller' : SUBJECT,
      state: 'given',
      givenAt: AT - DAY,
      expiresAt: AT + DAY,
      explicit: state === 'explicit',
      items: [
        {
          purpose: space.wordAt('purpose', point) ?? 'referral',
          recipient: { agencyId: RECIPIENT },
          fields: [field.id],
        },
      ],
    } satisfies Facts['consents'][number] | object,
  ]
}

/** A point in words, for people: only what the diagrams asked about; the rest may be anything. */
export function situationAt(
  space: Space,
  point: Point,
  field: FieldDefinition,
): Readonly<Record<string, string | readonly string[]>> {
  const asked = space.names.flatMap((name): [string, string][] => {
    const word = point[space.level(name)] === undefined ? undefined : space.wordAt(name, point)
    if (word === undefined || word === 'no' || name.startsWith('subject.')) return []
    if (name === 'exception' && word === UNCLAIMED) return []
    return [[name, space.isAge(name) ? inDays(space, point, name) : word]]
  })
  const roles: readonly string[] = space.rolesAt(point)
  const parties: readonly Party[] = partiesOf(roles as readonly PersonRole[])
  return { field: field.id, subject: roles, parties, ...Object.fromEntries(asked) }
}

/** The class of an age by its limit. */
function inDays(space: Space, point: Point, attribute: string): string {
  const limits = space.limitsOf(attribute)
  const limit = limits[point[space.level(attribute)] ?? 0]
  const days = (ms: number) => `${Number((ms / DAY).toFixed(2))} days`
  return limit === undefined ? `more than ${days(limits.at(-1) ?? 0)}` : `up to ${days(limit)}`
}
