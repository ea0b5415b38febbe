import { canonicalize, type Json } from '../log/canonical.ts'
import type { PolicyDocument } from './document.ts'

const KINDS = ['permit', 'forbid', 'duty', 'guardrail'] as const
export type StatementKind = (typeof KINDS)[number] | 'setting' | 'freshness'

/** What two packs are compared by: settings have been put into the documents. */
export interface ComparedPack {
  readonly documents: readonly PolicyDocument[]
  /** Values by name. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Ages by selector or field, where they are not the catalogue's. */
  readonly freshness: Readonly<Record<string, unknown>>
}

/** A statement, or a national value, that one version has otherwise than another. */
export interface ChangedStatement {
  readonly kind: StatementKind
  readonly id: string
  readonly change: 'added' | 'removed' | 'changed'
  /** Sectors that it is from or to, before or after; `any` where it does not say. */
  readonly sectors: readonly string[]
}

/**
 * Which statements and values differ between two packs, sorted by kind and id. The agreement clause of a document counts with each of its permits. This compares the texts; what
 * the difference comes to, `proof/diff.ts` says.
 */
export function changedStatements(
  before: ComparedPack,
  after: ComparedPack,
): readonly ChangedStatement[] {
  const was = statementsById(before)
  const is = statementsById(after)
  const changes: ChangedStatement[] = []
  for (const key of [...new Set([...was.keys(), ...is.keys()])].sort()) {
    const [old, now] = [was.get(key), is.get(key)]
    const { kind, id } = (now ?? old) as Statement
    if (old && now && old.text === now.text) continue
    const change = !old ? 'added' : !now ? 'removed' : 'changed'
    const sectors = [...new Set([...(old?.sectors ?? []), ...(now?.sectors ?? [])])].sort()
    changes.push({ kind, id, change, sectors })
  }
  return changes
}

/**
 * Whether a change concerns what goes to or comes from agencies of a sector. A statement that names no
 * sector is for all of them; a guardrail protects whomever it speaks of.
 */
export function concernsSector(changes: readonly ChangedStatement[], sector: string): boolean {
  return changes.some(({ sectors }) => sectors.includes('any') || sectors.includes(sector))
}

interface Statement {
  readonly kind: StatementKind
  readonly id: string
  readonly text: string
  readonly sectors: readonly string[]
}

function statementsById(pack: ComparedPack): ReadonlyMap<string, Statement> {
  const { documents, settings, freshness } = pack
  const found = new Map<string, Statement>()
  // What a setting does to rules shows in the rules; an age, and the law that holds, for whoever asks.
  for (const [id, value] of Object.entries(settings)) {
    const sectors = id === 'led_purposes' ? ['any'] : []
    add(found, { kind: 'setting', id, text: canonicalize(value as Json), sectors })
  }
  for (const [id, value] of Object.entries(freshness))
    add(found, { kind: 'freshness', id, text: canonicalize(value as Json), sectors: ['any'] })
  for (const document of documents) {
    for (const kind of KINDS) {
      for (const statement of document[kind] ?? []) {
        const { id } = statement
        const agreement = kind === 'permit' ? (document.agreement ?? null) : null
        const text = canonicalize({ statement, agreement } as unknown as Json)
        // A guardrail that goes, or says less, may have been what protected anybody.
        const sectors = kind === 'guardrail' ? ['any'] : sectorsOf(statement)
        add(found, { kind, id, text, sectors })
      }
    }
  }
  return found
}

function add(found: Map<string, Statement>, statement: Statement): void {
  found.set(`${statement.kind} ${statement.id}`, statement)
}

/** Of both ends; an end that names no sector may be any. */
function sectorsOf(statement: object): string[] {
  const { from, to, notify } = statement as {
    from?: { sector?: readonly string[] }
    to?: { sector?: readonly string[] }
    notify?: { sector: readonly string[] }
  }
  if (notify) return [...notify.sector]
  return [from?.sector ?? ['any'], to?.sector ?? ['any']].flat()
}
