/** The start of a server process in the log: which program, and what of its configuration is another. */
import { sha256 } from '../domain/log/hash.ts'
import type * as configurationState from '../storage/configuration-state.ts'
import type { Database } from '../storage/database.ts'
import type { RecordEvent } from './record-event.ts'

/** One setting as it stands; `text` undefined where nothing was given. */
export interface EffectiveSetting {
  /** Environment variable. */
  readonly name: string
  readonly secret: boolean
  readonly text: string | undefined
}

/** What starts. */
export interface StartingProgram {
  readonly version: string
  readonly node: string
}

export type RecordStart = (
  program: StartingProgram,
  settings: readonly EffectiveSetting[],
) => Promise<void>

/**
 * Writes `program.started`, and `configuration.changed` when a setting is not what it was at the last
 * start of any server of this database: by name and hash, of a secret only whether it is set. Throws
 * `audit_unavailable`: a server that cannot log does not start.
 */
export function makeRecordStart(deps: {
  /** Of the worker role. */
  readonly db: Database
  readonly storage: Pick<
    typeof configurationState,
    'readConfigurationState' | 'keepConfigurationState'
  >
  readonly recordEvent: RecordEvent
}): RecordStart {
  return ({ version, node }, settings) =>
    deps.db.transaction().execute(async (tx) => {
      const before = await deps.storage.readConfigurationState(tx)
      const now = new Map(settings.map((setting) => [setting.name, stateOf(setting)] as const))
      const names = [...new Set([...before.keys(), ...now.keys()])].sort()
      const changed = names.filter((name) => before.get(name) !== now.get(name))
      if (changed.length > 0) {
        await deps.storage.keepConfigurationState(
          tx,
          new Map(changed.map((name) => [name, now.get(name)])),
        )
        await deps.recordEvent(tx, {
          ...START,
          type: 'configuration.changed',
          public: {
            changed: changed.map((setting) => ({
              setting,
              from: before.get(setting) ?? null,
              to: now.get(setting) ?? null,
            })),
          },
          private: {},
        })
      }
      await deps.recordEvent(tx, {
        ...START,
        type: 'program.started',
        public: { version, node },
        private: {},
      })
    })
}

const START = { operation: 'serve', channel: 'command_line' } as const

/** `unset`, `set` for a secret, else a hash over name and text, so that equal texts of two settings differ. */
function stateOf({ name, secret, text }: EffectiveSetting): string {
  if (text === undefined) return 'unset'
  if (secret) return 'set'
  const hash = sha256(new TextEncoder().encode(`${name}=${text}`))
  return `sha256:${Buffer.from(hash).toString('base64url')}`
}
