import { selectFields, UnknownSelectorError } from '../catalogue/select.ts'
import type { Catalogue, FieldDefinition } from '../catalogue/types.ts'

/** One selector that names nothing; `position` is its index in the request. */
export interface SelectorFault {
  readonly code: 'unknown_field' | 'selector_matches_nothing'
  readonly position: number
  readonly detail: string
}

/** The distinct fields that a request asks for, in the order asked, or all its faults. */
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
      faults.push({ code, position, detail: error.message })
    }
  }
  if (faults.length > 0) return { faults }
  return { fields: [...fields], types: [...new Set([...fields].map((field) => field.record))] }
}
