import { EXCEPTIONS } from '../domain/case/vocabulary.ts'
import { selectFields, UnknownSelectorError } from '../domain/catalogue/select.ts'
import type { Catalogue, FieldDefinition } from '../domain/catalogue/types.ts'
import type { AuditCriteria } from '../domain/audit/criteria.ts'
import { termKey, type TermKind } from '../domain/audit/term.ts'
import { classOf } from '../domain/audit/vocabulary.ts'
import { EVENT_TYPES } from '../domain/log/event.ts'
import { OstiaryError } from '../errors.ts'
import type { AuditFilter, AuditTerms } from '../storage/audit-search.ts'

/**
 * The filter that criteria stand for. `part` is where they stand in the request, for pointers. Throws
 * `unknown_field` and `selector_matches_nothing` for selectors that name nothing,
 * `validity_window_invalid` for a window that ends before it begins.
 */
export function filterOf(
  catalogue: Catalogue,
  criteria: AuditCriteria,
  part: 'body' | 'query',
): AuditFilter {
  const { from, to, agencyId, field, released, rule, reason, exception, type, ...same } = criteria
  const { class: eventClass, ...columns } = same
  if (from !== undefined && to !== undefined && new Date(from) >= new Date(to))
    throw new OstiaryError('validity_window_invalid')
  return {
    ...columns,
    ...(from === undefined ? {} : { from: new Date(from) }),
    ...(to === undefined ? {} : { to: new Date(to) }),
    ...(exception === undefined
      ? {}
      : { exceptions: exception === 'any' ? EXCEPTIONS : [exception] }),
    ...(type === undefined && eventClass === undefined ? {} : { types: typesOf(type, eventClass) }),
    ...(agencyId === undefined ? {} : { parties: terms('agency', [agencyId]) }),
    ...(rule === undefined ? {} : { rules: terms('rule', [rule]) }),
    ...(reason === undefined ? {} : { reasons: terms('reason', [reason]) }),
    ...(field === undefined
      ? {}
      : { fields: terms('field', asking(catalogue, select(catalogue, field, part, 'field'))) }),
    ...(released === undefined
      ? {}
      : {
          released: terms(
            'released',
            select(catalogue, released, part, 'released').map(({ id }) => id),
          ),
        }),
  }
}

const typesOf = (type: string | undefined, eventClass: string | undefined): string[] =>
  EVENT_TYPES.filter(
    (one) =>
      (type === undefined || one === type) &&
      (eventClass === undefined || classOf(one) === eventClass),
  )

const terms = (kind: TermKind, names: readonly string[]): AuditTerms => ({
  names,
  keys: names.map((name) => termKey(kind, name)),
})

function select(
  catalogue: Catalogue,
  selector: string,
  part: 'body' | 'query',
  member: string,
): readonly FieldDefinition[] {
  try {
    return selectFields(catalogue, selector)
  } catch (error) {
    if (!(error instanceof UnknownSelectorError)) throw error
    const wide = selector.includes('/') || selector.endsWith('.*')
    const pointer = `#/${part === 'query' ? 'query/' : ''}${member}`
    const hint = error.nearest === null ? '' : `, did you mean \`${error.nearest}\`?`
    throw new OstiaryError(wide ? 'selector_matches_nothing' : 'unknown_field', {
      errors: [{ pointer, detail: `matches no field of the catalogue${hint}` }],
    })
  }
}

/** The fields, and every wider selector that would have asked for one of them. */
function asking(catalogue: Catalogue, fields: readonly FieldDefinition[]): string[] {
  const records = new Set(fields.map(({ record }) => record))
  const wanted = new Set(fields)
  const groups = Object.entries(catalogue.fieldsByGroup).flatMap(([group, members]) =>
    members.some((member) => wanted.has(member)) ? group : [],
  )
  return [...fields.map(({ id }) => id), ...groups, ...[...records].map((record) => `${record}.*`)]
}
