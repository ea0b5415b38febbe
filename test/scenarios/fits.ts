/**
 * Where `actual` is not as `expected` says; empty when it fits. Of objects only the members that are
 * named count, lists have to be as long, and texts that look like times are compared as times.
 */
export function misfits(actual: unknown, expected: unknown, path = ''): string[] {
  const here = path === '' ? 'it' : path
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return [`${here} is ${show(actual)}, not a list`]
    if (actual.length !== expected.length)
      return [`${here} has ${actual.length} instead of ${expected.length}: ${show(actual)}`]
    return expected.flatMap((one, index) => misfits(actual[index], one, `${path}[${index}]`))
  }
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null) return [`${here} is ${show(actual)}`]
    return Object.entries(expected).flatMap(([name, one]) =>
      misfits(
        (actual as Record<string, unknown>)[name],
        one,
        path === '' ? name : `${path}.${name}`,
      ),
    )
  }
  if (sameTime(actual, expected) || Object.is(actual, expected)) return []
  return [`${here} is ${show(actual)} instead of ${show(expected)}`]
}

/** Whether both lists fit each other one to one, in any order; what is missing or too much otherwise. */
export function misfitsInAnyOrder(
  actual: readonly unknown[],
  expected: readonly unknown[],
): string[] {
  const left = [...actual]
  const missing = expected.filter((one) => {
    const index = left.findIndex((other) => misfits(other, one).length === 0)
    if (index >= 0) left.splice(index, 1)
    return index < 0
  })
  return [
    ...missing.map((one) => `missing: ${show(one)}`),
    ...left.map((one) => `not expected: ${show(one)}`),
  ]
}

const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/

function sameTime(actual: unknown, expected: unknown): boolean {
  if (typeof actual !== 'string' || typeof expected !== 'string') return false
  return TIME.test(actual) && TIME.test(expected) && Date.parse(actual) === Date.parse(expected)
}

const show = (value: unknown): string => JSON.stringify(value) ?? 'absent'
