/** What the two parts of an event say that it can be found by: ids and codes, never free text. */
import { outcomeOf } from '../disclosure/item.ts'

/** Sorted lists without repetition. */
export interface Facets {
  readonly role?: string
  readonly disclosureId?: string
  readonly purpose?: string
  readonly outcome?: string
  readonly exception?: string
  /** Fields (`record_type.field`), and selectors as they were asked for. */
  readonly fields: readonly string[]
  /** Fields of which a value left. */
  readonly released: readonly string[]
  readonly rules: readonly string[]
  readonly reasons: readonly string[]
  /** Other agencies. */
  readonly parties: readonly string[]
}

/** One part, read back. */
export type Part = Readonly<Record<string, unknown>>

/** A part as an object; empty where it cannot be read, so that one broken row does not stop the index. */
export function readPart(text: string): Part {
  try {
    const part: unknown = JSON.parse(text)
    return isObject(part) ? part : {}
  } catch {
    return {}
  }
}

/** Records that the parts name, and those that were weighed (`considered`). */
export function recordsNamed(publicPart: Part, privatePart: Part): string[] {
  return distinct([
    ...ids([publicPart['recordId']]),
    ...ids(listOf(publicPart['records'])),
    ...ids(objectsOf(publicPart['entries']).map(({ recordId }) => recordId)),
    ...ids(listOf(privatePart['records'])),
    ...ids(objectsOf(privatePart['hidden']).map(({ recordId }) => recordId)),
    ...ids(objectsOf(privatePart['considered']).map(({ recordId }) => recordId)),
  ])
}

/** What whoever acted could see: the public part alone. */
export function facetsOfPublic(part: Part): Facets {
  const entries = objectsOf(part['entries'])
  const type = part['recordType']
  const named = listOf(part['fields']).map((name) =>
    typeof type === 'string' && typeof name === 'string' && !name.includes('.')
      ? `${type}.${name}`
      : name,
  )
  const items = objectsOf(part['items'])
  const recipients = items.map(({ recipient }) => (isObject(recipient) ? recipient['agencyId'] : 0))
  return {
    ...headOf(part),
    ...facetsOfEntries(entries),
    ...listed('fields', [
      ...entries.map(({ field }) => field),
      ...listOf(part['requested']),
      ...named,
      part['field'],
      ...items.flatMap(({ fields }) => listOf(fields)),
    ]),
    ...listed('rules', [...rulesOf(entries), part['rule']]),
    ...listed('reasons', [...reasonsOf(entries), part['refused']]),
    parties: distinct(
      ids([
        part['agencyId'],
        part['memberId'],
        ...listOf(part['parties']),
        ...recipients,
        ...entries.map(({ provenance }) => (isObject(provenance) ? provenance['agencyId'] : 0)),
      ]),
    ),
  }
}

/** Both parts together. */
export function facetsOfBoth(publicPart: Part, privatePart: Part): Facets {
  const seen = facetsOfPublic(publicPart)
  const hidden = objectsOf(privatePart['hidden'])
  const told = [...listOf(privatePart['told']), privatePart['reviewingAgencyId']]
  return {
    ...seen,
    ...listed('fields', [...seen.fields, ...hidden.map(({ field }) => field)]),
    ...listed('rules', [...seen.rules, ...rulesOf(hidden), ...listOf(privatePart['duties'])]),
    ...listed('reasons', [...seen.reasons, ...reasonsOf(hidden)]),
    parties: distinct([...seen.parties, ...ids(told)]),
  }
}

/**
 * What became of some records alone, with true causes: what their source may know. The outcome is that
 * of their own values.
 */
export function facetsOfRecords(
  publicPart: Part,
  privatePart: Part,
  records: ReadonlySet<string>,
): Facets {
  const own = (entries: readonly Part[]): Part[] =>
    entries.filter(({ recordId }) => typeof recordId === 'string' && records.has(recordId))
  const hidden = own(objectsOf(privatePart['hidden']))
  const told = own(objectsOf(publicPart['entries']))
  const causes = new Set(hidden.map(({ recordId, field }) => `${recordId}/${field}`))
  // Where the requester was told another cause than the true one, the true one counts.
  const entries = [
    ...hidden.map((entry): Part => ({ ...entry, outcome: 'withheld' })),
    ...told.filter(({ recordId, field }) => !causes.has(`${recordId}/${field}`)),
  ]
  const { outcome: _, ...head } = headOf(publicPart)
  return {
    ...head,
    ...(entries.length > 0 ? { outcome: outcomeOf(entries as never) } : {}),
    ...facetsOfEntries(entries),
    ...listed(
      'fields',
      entries.map(({ field }) => field),
    ),
    ...listed('rules', rulesOf(entries)),
    ...listed('reasons', reasonsOf(entries)),
    parties: [],
  }
}

/** Codes that the part says of itself; those that are none are left out. */
function headOf(part: Part): Partial<Facets> {
  const event = isObject(part['event']) ? part['event'] : {}
  const outcome = part['refused'] === undefined ? part['outcome'] : 'refused'
  const head = {
    role: event['role'],
    purpose: part['purpose'],
    outcome,
    exception: part['exception'],
  }
  const codes = Object.entries(head).filter(([, code]) => isCode(code))
  const [disclosureId] = ids([part['disclosureId']])
  return { ...Object.fromEntries(codes), ...(disclosureId ? { disclosureId } : {}) }
}

function facetsOfEntries(entries: readonly Part[]): Pick<Facets, 'released'> {
  const left = entries.filter(({ outcome }) => outcome === 'released' || outcome === 'generalised')
  return listed(
    'released',
    left.map(({ field }) => field),
  )
}

const rulesOf = (entries: readonly Part[]): unknown[] =>
  entries.flatMap(({ rules, reasons }) => [
    ...listOf(rules),
    ...objectsOf(reasons).map(({ rule }) => rule),
  ])

const reasonsOf = (entries: readonly Part[]): unknown[] =>
  entries.flatMap(({ reasons }) => objectsOf(reasons).map(({ code }) => code))

/** The codes among the given. */
function listed<Name extends string>(
  name: Name,
  values: readonly unknown[],
): Record<Name, readonly string[]> {
  return { [name]: distinct(values.filter(isCode)) } as unknown as Record<Name, readonly string[]>
}

/** A name of the catalogue, of a policy or of a vocabulary; nothing else gets into the index. */
const CODE = /^[A-Za-z0-9_][\w.*/:-]{0,199}$/
const isCode = (value: unknown): value is string => typeof value === 'string' && CODE.test(value)

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const ids = (values: readonly unknown[]): string[] =>
  values.filter((value): value is string => typeof value === 'string' && ID.test(value))

const distinct = (values: readonly string[]): string[] => [...new Set(values)].sort()

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const objectsOf = (value: unknown): readonly Part[] => listOf(value).filter(isObject)

function isObject(value: unknown): value is Part {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
