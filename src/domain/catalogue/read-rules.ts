/** The two members of a property that hold small rules: `x-freshness` and `x-flags`. */
import { isPolicyFlag } from './policy-flags.ts'
import type { FieldFlag, FlagCondition } from './policy-flags.ts'
import type { FieldDefinition, Freshness } from './types.ts'

type Fault = (detail: string) => void
type Shape = Pick<FieldDefinition, 'type' | 'codes'>
type Members = Readonly<Record<string, unknown>>

/** Reads `x-freshness`; `static` stands in for one that cannot be read. */
export function readFreshness(given: unknown, fault: Fault): Freshness {
  const { kind, days, whenFlag, ...rest } = (given ?? {}) as Members
  if (kind === 'event' || kind === 'static') {
    const alone = Object.keys(given as Members).length === 1
    if (!alone) fault(`\`x-freshness\` of kind \`${kind}\` has no further members`)
    return { kind }
  }
  if (kind !== 'days' || !isDays(days) || Object.keys(rest).length > 0) {
    fault('`x-freshness` must be {kind: days, days: n}, {kind: event} or {kind: static}')
    return { kind: 'static' }
  }
  if (whenFlag === undefined) return { kind, days }
  for (const [flag, fewer] of Object.entries(whenFlag as Members)) {
    if (!isPolicyFlag(flag)) fault(`\`x-freshness\` names the unknown flag \`${flag}\``)
    if (!isDays(fewer) || fewer >= days) fault('a flag can only shorten `x-freshness`')
  }
  return { kind, days, whenFlag: whenFlag as Record<string, number> }
}

/** Reads `x-flags`; conditions are checked against the shape of the field's values. */
export function readFlags(given: unknown, shape: Shape, fault: Fault): readonly FieldFlag[] {
  if (!Array.isArray(given)) {
    fault('`x-flags` must be a list')
    return []
  }
  return given.flatMap((one: unknown) => {
    const { flag, when, ...rest } = (one ?? {}) as Members
    if (typeof flag !== 'string' || !isPolicyFlag(flag) || Object.keys(rest).length > 0) {
      fault('`x-flags` must be a list of {flag, when} with flags of the closed list')
      return []
    }
    const condition = readCondition(when, shape)
    if (typeof condition === 'string') fault(`flag \`${flag}\`: ${condition}`)
    return typeof condition === 'string' ? [] : [{ flag, when: condition }]
  })
}

/** The condition, or what is wrong with it. */
function readCondition(when: unknown, { type, codes }: Shape): FlagCondition | string {
  const entries = Object.entries((when ?? {}) as Members)
  const [[kind, operand] = []] = entries
  if (entries.length !== 1) return '`when` must have one condition'
  if (kind === 'present' && operand === true) return { present: true }
  if (kind === 'equals' && typeof operand === 'boolean') {
    const yesOrNo = type === 'boolean' || type === 'answer'
    return yesOrNo ? { equals: operand } : 'the field is no yes or no'
  }
  const wanted = kind === 'in' ? operand : kind === 'equals' ? [operand] : undefined
  if (!Array.isArray(wanted) || wanted.length === 0) return '`when` must be in, equals or present'
  // A code that the field can never take would be a flag that is never raised, unnoticed.
  const impossible = wanted.find((code) => !codes?.includes(code))
  if (impossible !== undefined) return `the field cannot take the code \`${String(impossible)}\``
  return kind === 'in' ? { in: wanted } : { equals: wanted[0] }
}

function isDays(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0
}
