import { nearestName } from '../catalogue/edit-distance.ts'

/** Finds the valid name that was most likely meant; undefined when none is near. */
export type Hint = (name: string, candidates: Iterable<string>) => string | undefined

/** Whoever has made more slips than this reads the manual; looking on would only take time. */
const MOST_HINTS = 20

/** Hints for one reading of one pack, of which there are only so many: comparing names takes time. */
export function makeHints(): Hint {
  let left = MOST_HINTS
  return (name, candidates) =>
    left-- > 0 ? (nearestName(name, candidates) ?? undefined) : undefined
}
