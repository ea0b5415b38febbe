/** A deep copy of JSON data that nothing can change any more. */
export function frozenCopy<T>(data: T): T {
  return freeze(structuredClone(data))
}

/** Freezes an object and, before it, everything that it holds. */
export function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.values(value).forEach(freeze)
    Object.freeze(value)
  }
  return value
}
