/**
 * Whether a consent is one (GDPR art. 4(11), 7, 9(2)(a)): freely given, separate, specific, explicit
 * where it has to be. What fails is refused when it is recorded, so that no decision ever meets it.
 */
import { selectFields, UnknownSelectorError } from '../catalogue/select.ts'
import type { Catalogue, FieldDefinition, Party } from '../catalogue/types.ts'
import type { PractitionerRole, Purpose, Sector } from '../case/vocabulary.ts'

/** One agency, or every agency of a sector. */
export type ConsentRecipient = { readonly agencyId: string } | { readonly sector: Sector }

/** One purpose, one recipient, its fields; these are selectors when asked, field ids when kept. */
export interface ConsentItem {
  readonly purpose: Purpose
  readonly recipient: ConsentRecipient
  /** Absent: any role that a rule allows. */
  readonly recipientRoles?: readonly PractitionerRole[]
  readonly fields: readonly string[]
}

/** What a request says of a consent and of how it was given. */
export interface ConsentStatement {
  readonly items: readonly ConsentItem[]
  readonly explicit: boolean
  /** Asked for apart from everything else (art. 7(2)). */
  readonly separate: boolean
  /** Help depended on it (art. 7(4)). */
  readonly conditionOfService: boolean
  readonly coercionChecked: boolean
  readonly inAbsenceOfOtherParty: boolean
}

/** Why it is none. `errors` point into the body where single members are at fault. */
export interface ConsentFault {
  readonly code:
    | 'consent_bundled'
    | 'consent_coerced'
    | 'consent_not_explicit'
    | 'consent_recipient_too_wide'
    | 'selector_matches_nothing'
    | 'unknown_field'
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[]
}

/** The items with their selectors resolved to field ids, in catalogue order; or the first kind of fault. */
export type CheckedConsent =
  | { readonly ok: true; readonly items: readonly ConsentItem[] }
  | { readonly ok: false; readonly fault: ConsentFault }

/**
 * Checks a statement in the order: names, bundling, coercion, explicitness, recipients. `parties` are
 * those of the person who consents: what a victim or child says goes to a named agency alone.
 */
export function checkConsent(
  catalogue: Catalogue,
  statement: ConsentStatement,
  parties: readonly Party[],
): CheckedConsent {
  const resolved: Resolved[] = []
  for (const [index, item] of statement.items.entries()) {
    const one = resolve(catalogue, item, index)
    const [fault] = one.faults
    if (fault) return refuse(fault.code, one.faults)
    resolved.push(one)
  }
  if (!statement.separate) return refuse('consent_bundled', [at('#/separate', 'must be true')])
  if (statement.conditionOfService)
    return refuse('consent_bundled', [at('#/conditionOfService', 'must be false')])
  for (const name of ['coercionChecked', 'inAbsenceOfOtherParty'] as const)
    if (!statement[name]) return refuse('consent_coerced', [at(`#/${name}`, 'must be true')])
  if (!statement.explicit && resolved.some(({ fields }) => fields.some(isSpecial)))
    return refuse('consent_not_explicit', [at('#/explicit', 'must be true for these fields')])
  const wide = resolved.flatMap(({ item, fields }, index) =>
    'sector' in item.recipient && needsOneAgency(fields, parties)
      ? [at(`#/items/${index}/recipient`, 'must be one agency')]
      : [],
  )
  if (wide.length > 0) return refuse('consent_recipient_too_wide', wide)
  return {
    ok: true,
    items: resolved.map(({ item, fields }) => ({ ...item, fields: fields.map(({ id }) => id) })),
  }
}

/** Faults that are told at once: finding what was meant takes time, which a hostile list must not take. */
const MOST_FAULTS = 5

interface Resolved {
  readonly item: ConsentItem
  readonly fields: readonly FieldDefinition[]
  readonly faults: readonly (ReturnType<typeof at> & { code: ConsentFault['code'] })[]
}

function resolve(catalogue: Catalogue, item: ConsentItem, index: number): Resolved {
  const fields = new Set<FieldDefinition>()
  const faults: Resolved['faults'][number][] = []
  for (const [position, selector] of item.fields.entries()) {
    try {
      for (const field of selectFields(catalogue, selector)) fields.add(field)
    } catch (error) {
      if (!(error instanceof UnknownSelectorError)) throw error
      const wide = selector.includes('/') || selector.endsWith('.*')
      const hint = error.nearest === null ? '' : `, did you mean \`${error.nearest}\`?`
      faults.push({
        code: wide ? 'selector_matches_nothing' : 'unknown_field',
        ...at(`#/items/${index}/fields/${position}`, `matches no field of the catalogue${hint}`),
      })
      if (faults.length === MOST_FAULTS) break
    }
  }
  const inOrder = [...fields].sort((a, b) => a.index - b.index)
  return { item, fields: inOrder, faults }
}

const isSpecial = ({ categories }: FieldDefinition): boolean => categories.includes('S9')

/** Special categories, what could locate somebody, and what a victim or child tells. */
function needsOneAgency(fields: readonly FieldDefinition[], parties: readonly Party[]): boolean {
  return (
    parties.includes('victim') ||
    parties.includes('child') ||
    fields.some(
      (field) =>
        isSpecial(field) ||
        field.categories.includes('L') ||
        field.locates.includes('victim') ||
        field.locates.includes('child'),
    )
  )
}

function refuse(
  code: ConsentFault['code'],
  errors: readonly { readonly pointer: string; readonly detail: string }[],
): CheckedConsent {
  return {
    ok: false,
    fault: { code, errors: errors.map(({ pointer, detail }) => ({ pointer, detail })) },
  }
}

function at(pointer: string, detail: string) {
  return { pointer, detail }
}
