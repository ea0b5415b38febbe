/** What was answered, and what of it was meant to leave. */
import type { Answer } from '../support/agency-client.ts'
import type { Canary } from '../support/canaries.ts'

/** One answer, as it came over the wire. */
export interface Told {
  readonly what: string
  readonly status: number
  /** Status, headers and body; of a disclosure without the values that were released. */
  readonly text: string
  /** Values that were released, by field id. */
  readonly released: readonly { readonly field: string; readonly value: unknown }[]
  /** Canaries that this very caller is meant to be told. */
  readonly mayHold: readonly Canary[]
}

/** Calls, and keeps the answer; throws when it has another status. */
export async function note(
  told: Told[],
  what: string,
  expected: number | 'refused',
  call: () => Promise<Answer>,
  mayHold: readonly Canary[] = [],
): Promise<Answer> {
  const answer = await call()
  const { status, headers, text, body } = answer
  const fits = expected === 'refused' ? status >= 400 : status === expected
  if (!fits) throw new Error(`${what}: expected ${expected}, got ${status}: ${text.slice(0, 500)}`)
  const cut = cutValues(status === 201 ? body : undefined)
  told.push({
    what,
    status,
    text: [
      status,
      ...[...headers].map(([name, value]) => `${name}: ${value}`),
      cut ? JSON.stringify(cut.rest) : text,
    ].join('\n'),
    released: cut?.released ?? [],
    mayHold,
  })
  return answer
}

interface Entry {
  readonly field: string
  readonly outcome: string
  readonly value?: unknown
}

/** A disclosure without the values of the entries that were released. */
function cutValues(body: { fields?: readonly Entry[] } | undefined) {
  if (!Array.isArray(body?.fields)) return undefined
  const entries: readonly Entry[] = body.fields
  const leaves = ({ outcome, value }: Entry) =>
    ['released', 'generalised'].includes(outcome) && value !== undefined
  return {
    released: entries.filter(leaves).map(({ field, value }) => ({ field, value })),
    rest: {
      ...body,
      fields: entries.map((entry) => (leaves(entry) ? { ...entry, value: null } : entry)),
    },
  }
}
