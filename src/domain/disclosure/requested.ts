import { selectFields, UnknownSelectorError } from '../catalogue/select.ts'
import type { Catalogue, FieldDefinition } from '../catalogue/types.ts'

/** Faults that are told at once: finding what was meant takes time, which a hostile list must not take. */
const MOST_FAULTS = 5

/**
 * One selector that names nothing; `position` is its index in the request. `detail` does not repeat
 * it: what stands where a name should be may be a value.
 */
export interface SelectorFault {
  readonly code: 'unknown_field' | 'selector_matches_nothing'
  readonly position: number
  readonly detail: string
}

/** The distinct fields that a request asks for, in the order asked, or its first faults. */
export type Requested =
  | { readonly fields: readonly FieldDefinition[]; readonly types: readonly string[] }
  | { readonly faults: readonly SelectorFault[] }

/** Resolves the selectors of one request against the catalogue. */
export function resolveRequested(catalogue: Catalogue, selectors: readonly string[]): Requested {
  const fields = new Set<FieldDefinition>()
  const faults: SelectorFault[] = []
  for (const [position, selector] of selectors.entries()) {
    try {
      for (const field of selectFields(catalogue, selector)) fields.add(field)
    } catch (error) {
      if (!(error instanceof UnknownSelectorError)) throw error
      const wide = selector.includes('/') || selector.endsWith('.*')
      const code = wide ? 'selector_matches_nothing' : 'unknown_field'
      const hint = error.nearest === null ? '' : `, did you mean \`${error.nearest}\`?`
      faults.push({ code, position, detail: `matches no field of the catalogue${hint}` })
      if (faults.length === MOST_FAULTS) break
    }
  }
  if (faults.length > 0) return { faults }
  return { fields: [...fields], types: [...new Set([...fields].map((field) => field.record))] }
}
