/** Canaries of one run: what nobody may find, in the forms in which it might turn up. */
import { randomBytes } from 'node:crypto'
import type { Catalogue } from '../../src/domain/catalogue/types.ts'
import { type Canary, findCanaries } from '../support/canaries.ts'
import { canaryRecord } from '../support/example-record.ts'

/** The canaries of one run. */
export interface Secrets {
  /** Values of fields, and free text that is sealed like one. */
  readonly sealed: readonly Canary[]
  /** Words about records and agreements, which are kept as they are, in the tables that they belong to. */
  readonly plain: readonly Canary[]
  /** What only requests hold that are refused. */
  readonly refused: readonly Canary[]
  /** A record of the type with every field, and other values for another `turn`. */
  record(type: string, turn: 1 | 2): Record<string, unknown>
  /** A free text that is new each time. */
  text(kind: 'sealed' | 'plain' | 'refused', what: string): string
}

/** Makes the canaries of a run. */
export function makeSecrets(catalogue: Catalogue): Secrets {
  const run = randomBytes(16).toString('hex')
  const made = new Map<string, Record<string, unknown>>()
  const kinds = { sealed: [] as Canary[], plain: [] as Canary[], refused: [] as Canary[] }
  return {
    ...kinds,
    record(type, turn) {
      const name = `${type} ${turn}`
      const before = made.get(name)
      if (before) return before
      const { fields, canaries } = canaryRecord(catalogue.recordsByType[type]!, `${run} ${turn}`)
      // A code, drawn like the others; `active` would need a partner contact agreement first (S33).
      if (type === 'programme_engagement') Object.assign(fields, { status: 'intake' })
      kinds.sealed.push(...canaries)
      made.set(name, fields)
      return fields
    },
    text(kind, what) {
      const text = `canary${randomBytes(12).toString('hex')}`
      kinds[kind].push({ field: what, text })
      return text
    },
  }
}

/**
 * Finds canaries in a text; times also as PostgreSQL and JavaScript write them, and by their time of
 * day, which what is reckoned from them still has.
 */
export function find(text: string, canaries: readonly Canary[]): readonly Canary[] {
  // Six digits in a row turn up in any long run of random ones.
  const withoutIds = text.replace(/(\\x)?[0-9a-f-]{32,}/gi, ' ')
  const forms = new Map(
    canaries.flatMap((canary) =>
      formsOf(canary).map((form) => [{ ...canary, text: form }, canary] as const),
    ),
  )
  const [numbers, rest] = [[...forms.keys()].filter(isNumber), [...forms.keys()]]
  const found = [
    ...findCanaries(withoutIds, numbers),
    ...findCanaries(
      text,
      rest.filter((form) => !isNumber(form)),
    ),
  ]
  return [...new Set(found.map((form) => forms.get(form)!))]
}

const isNumber = ({ text }: Canary): boolean => /^\d{1,9}$/.test(text)

function formsOf({ text }: Canary): readonly string[] {
  const time = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d\.\d{3})\d*Z$/.exec(text)
  if (!time) return [text]
  // PostgreSQL writes no zeros at the end.
  const ofDay = time[2]!.replace(/0{1,2}$/, '')
  return [text, `${time[1]} ${ofDay}`, ofDay, String(Date.parse(text))]
}
