import { pointerTo } from './fault.ts'
import type { Shape } from './shape.ts'
import type { WordList } from './vocabulary.ts'

/** Calls `visit` for every word of the vocabulary that a document of this shape uses. */
export function forEachName(
  shape: Shape,
  value: unknown,
  pointer: string,
  visit: (list: WordList, word: string, pointer: string) => void,
): void {
  switch (shape.type) {
    case 'name':
      if (typeof value === 'string') visit(shape.list, value, pointer)
      return
    case 'list':
      if (!Array.isArray(value)) return
      return value.forEach((item, i) => forEachName(shape.of, item, pointerTo(pointer, i), visit))
    case 'record':
    case 'table':
      if (typeof value !== 'object' || value === null) return
      for (const [key, part] of Object.entries(value)) {
        const inner =
          shape.type === 'table' ? shape.of : (shape.required[key] ?? shape.optional[key])
        if (inner) forEachName(inner, part, pointerTo(pointer, key), visit)
      }
      return
    case 'either': {
      const form = Array.isArray(value) ? 'list' : typeof value === 'object' ? 'record' : 'scalar'
      const inner = shape[form]
      if (inner) forEachName(inner, value, pointer, visit)
      return
    }
    default:
  }
}
