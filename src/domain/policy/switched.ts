import type { Report } from './check.ts'
import { pointerTo } from './fault.ts'
import type { Hint } from './hints.ts'
import type { Parsed } from './parsed.ts'
import type { Origin, ProfileDocument, ResolvedSettings, WrittenPolicy } from './settings.ts'

/** A statement that is written down but not in force, and why. */
export interface LeftOut {
  readonly id: string
  readonly because: 'switch' | 'drop'
  /** Switch that decided, for `switch`. */
  readonly setting?: string
  readonly origin: Origin
}

interface Statement {
  readonly id: string
  readonly onlyIf?: readonly string[]
  readonly unlessIf?: readonly string[]
}

/** Kinds of statement whose absence can only keep data in. */
const DROPPABLE = ['permit', 'duty']

/** Lists of statements in a document: those whose items have an id. */
export function statementLists(document: WrittenPolicy): readonly [string, readonly Statement[]][] {
  return Object.entries(document).flatMap(([kind, part]) =>
    Array.isArray(part) && part.every((item) => typeof item === 'object' && item && 'id' in item)
      ? [[kind, part as readonly Statement[]] as [string, readonly Statement[]]]
      : [],
  )
}

/** What is found on the way. */
export interface Noticed {
  readonly report: Report
  readonly hintOf: Hint
  /** Names of settings that some rule reads; added to. */
  readonly read: Set<string>
}

/** Reports switches that are none. */
export function switchFaults(
  document: WrittenPolicy,
  settings: ResolvedSettings,
  { report, hintOf, read }: Noticed,
): void {
  for (const [kind, statements] of statementLists(document)) {
    statements.forEach((statement, i) => {
      for (const key of ['onlyIf', 'unlessIf'] as const) {
        statement[key]?.forEach((name, k) => {
          const pointer = pointerTo(pointerTo(pointerTo(`/${kind}`, i), key), k)
          const setting = Object.hasOwn(settings, name) ? settings[name] : undefined
          read.add(name)
          if (!setting) {
            const switches = Object.keys(settings).filter((one) => settings[one]?.type === 'switch')
            const hint = hintOf(name, switches)
            report('unknown_name', pointer, `unknown setting \`${name}\``, hint)
          } else if (setting.type !== 'switch') {
            report('wrong_type', pointer, `\`${name}\` is of type ${setting.type}, not a switch`)
          }
        })
      }
    })
  }
}

/** What profiles drop, by rule id; reports ids that no permit and no duty has. */
export function droppedRules(
  chain: readonly Parsed<ProfileDocument>[],
  policies: readonly WrittenPolicy[],
  reportIn: (profile: Parsed<ProfileDocument>) => Report,
  hintOf: Hint,
): ReadonlyMap<string, Origin> {
  const kinds = new Map(
    policies.flatMap((document) =>
      statementLists(document).flatMap(([kind, statements]) =>
        statements.map(({ id }) => [id, kind] as const),
      ),
    ),
  )
  const droppable = [...kinds].filter(([, kind]) => DROPPABLE.includes(kind)).map(([id]) => id)
  const dropped = new Map<string, Origin>()
  for (const profile of chain) {
    const { document, file } = profile
    for (const [id, { source }] of Object.entries(document.drop ?? {})) {
      const kind = kinds.get(id)
      const pointer = pointerTo('/drop', id)
      if (kind === undefined) {
        const hint = hintOf(id, droppable)
        reportIn(profile)('unknown_name', pointer, `unknown rule \`${id}\``, hint)
      } else if (!DROPPABLE.includes(kind)) {
        const message = `\`${id}\` is a ${kind}; a profile can drop permits and duties alone`
        reportIn(profile)('not_allowed', pointer, message)
      } else {
        const at = file === undefined ? {} : { file }
        dropped.set(id, { document: `profile ${document.profile}`, ...at, source })
      }
    }
  }
  return dropped
}

/** A document with the statements that are in force, without the keys that decided so. */
export function inForce(
  document: WrittenPolicy,
  settings: ResolvedSettings,
  dropped: ReadonlyMap<string, Origin>,
  leftOut: LeftOut[],
): WrittenPolicy {
  const lists = new Map(statementLists(document))
  const parts = Object.entries(document).flatMap(([key, part]) => {
    const statements = lists.get(key)
    if (!statements) return [[key, part] as const]
    const kept = statements.flatMap((statement) => {
      const out = reasonToLeaveOut(statement, settings, dropped)
      if (!out) return [plain(statement)]
      leftOut.push(out)
      return []
    })
    return kept.length === 0 ? [] : [[key, kept] as const]
  })
  return Object.fromEntries(parts) as WrittenPolicy
}

function reasonToLeaveOut(
  { id, onlyIf = [], unlessIf = [] }: Statement,
  settings: ResolvedSettings,
  dropped: ReadonlyMap<string, Origin>,
): LeftOut | undefined {
  const drop = dropped.get(id)
  if (drop) return { id, because: 'drop', origin: drop }
  const off =
    onlyIf.find((name) => settings[name]?.value !== true) ??
    unlessIf.find((name) => settings[name]?.value === true)
  const setting = off === undefined ? undefined : settings[off]
  if (off === undefined || !setting) return undefined
  return { id, because: 'switch', setting: off, origin: setting.origin }
}

function plain({ onlyIf: _, unlessIf: __, ...statement }: Statement): Statement {
  return statement
}
