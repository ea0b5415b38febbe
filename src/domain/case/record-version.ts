/**
 * What stands in the clear beside the sealed values, from one version of a record to the next. Each
 * version is complete in itself; none is ever changed.
 */
import type { SealedField, StoredField, StoredProvenance } from './stored-record.ts'

/** The two lists of one version: its fields, and the provenances that they point to. */
export interface VersionContent {
  readonly fields: readonly StoredField[]
  /** Each once, in the order of first use. */
  readonly provenance: readonly StoredProvenance[]
}

/** What a confirmation adds to the provenance of the values it is about. Times are ISO 8601. */
export interface Confirmation {
  readonly verifiedAt: string
  readonly verifiedBy?: string
  readonly method?: string
  readonly reliability?: string
}

interface Entry {
  readonly field: Omit<StoredField, 'provenance'>
  readonly provenance: StoredProvenance
}

/** The first version. `origins` has every field. */
export function depositedVersion(
  sealed: readonly SealedField[],
  origins: ReadonlyMap<string, StoredProvenance>,
): VersionContent {
  return pack(sealed.map((field) => ({ field, provenance: originOf(origins, field.name) })))
}

/**
 * The version after an amendment. `sealed` is all that it holds, `origins` the provenance of what
 * changed. A new value is not contested any more; that its use is restricted stays until it is lifted.
 */
export function amendedVersion(
  previous: VersionContent,
  sealed: readonly SealedField[],
  origins: ReadonlyMap<string, StoredProvenance>,
): VersionContent {
  const before = new Map(entriesOf(previous).map((entry) => [entry.field.name, entry]))
  return pack(
    sealed.map((field) => {
      const old = before.get(field.name)
      const origin = origins.get(field.name)
      if (origin) {
        const restricted = old?.field.restricted ? ({ restricted: true } as const) : {}
        return { field: { ...field, ...restricted }, provenance: origin }
      }
      if (!old) throw new Error('a field without provenance')
      return { field: { ...old.field, ...field }, provenance: old.provenance }
    }),
  )
}

/**
 * The version after the source looked at values again and stands by them. Looking is what a
 * contestation asks for (GDPR art. 18(1)(a)), so it ends the mark.
 */
export function confirmedVersion(
  previous: VersionContent,
  names: readonly string[],
  confirmation: Confirmation,
): VersionContent {
  return pack(
    entriesOf(previous).map((entry) => {
      if (!names.includes(entry.field.name)) return entry
      const { contested: _, ...field } = entry.field
      return { field, provenance: { ...entry.provenance, ...confirmation } }
    }),
  )
}

/** The version after somebody said that values are wrong. */
export function contestedVersion(
  previous: VersionContent,
  names: readonly string[],
): VersionContent {
  return pack(
    entriesOf(previous).map((entry) =>
      names.includes(entry.field.name)
        ? { ...entry, field: { ...entry.field, contested: true } }
        : entry,
    ),
  )
}

function entriesOf({ fields, provenance }: VersionContent): Entry[] {
  return fields.map(({ provenance: index, ...field }) => {
    const origin = provenance[index]
    if (!origin) throw new Error('a field points to no provenance')
    return { field, provenance: origin }
  })
}

function pack(entries: readonly Entry[]): VersionContent {
  const provenance: StoredProvenance[] = []
  const known = new Map<string, number>()
  const fields = entries.map((entry) => {
    const text = JSON.stringify(Object.entries(entry.provenance).sort(byName))
    const index = known.get(text) ?? provenance.push(entry.provenance) - 1
    known.set(text, index)
    return { ...entry.field, provenance: index }
  })
  return { fields, provenance }
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1)

function originOf(origins: ReadonlyMap<string, StoredProvenance>, name: string): StoredProvenance {
  const origin = origins.get(name)
  if (!origin) throw new Error('a field without provenance')
  return origin
}
