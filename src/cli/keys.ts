import { loadConfig } from '../config.ts'
import { type Administration, withAdministration } from '../wire/administration.ts'
import { print } from './print.ts'

interface RotateOptions {
  readonly compromised: boolean
  readonly epoch?: string
  readonly overlap?: string
  readonly json?: boolean
}

/** `ostiary keys rotate token|log|encryption`. */
export async function rotateKeys(purpose: string, options: RotateOptions): Promise<void> {
  await withAdministration(loadConfig(), async (admin) => {
    if (purpose === 'token') {
      const { kid, signsFrom } = await admin.rotateTokenKey(options.compromised)
      const when = signsFrom.toISOString()
      return print(options, { kid, signsFrom: when }, [
        `token key ${kid} is published now and signs from ${when}`,
      ])
    }
    if (purpose === 'log') return print(options, ...(await rotateLog(admin, options)))
    if (purpose !== 'encryption')
      throw new Error(`\`${purpose}\` is not a kind of key: token, log or encryption`)
    const epoch = Number(options.epoch)
    if (!Number.isInteger(epoch)) throw new Error('--epoch must name the epoch of the new key')
    const done = await admin.rotateKeyEncryptionKey(epoch)
    print(options, done, [
      `epoch ${done.epoch} is current; ${done.rewrapped} keys re-wrapped`,
      done.unreadable > 0
        ? `${done.unreadable} keys could not be read: their epoch stays, keep its key`
        : `retired: ${done.retired.join(', ') || 'none'}; the keys of retired epochs can be destroyed`,
    ])
  })
}

async function rotateLog(
  admin: Administration,
  { compromised, overlap }: RotateOptions,
): Promise<[object, string[]]> {
  if (compromised && overlap !== undefined)
    throw new Error('a compromised key ends at once: --overlap makes no sense with it')
  const { vkey, fromSize, oldUntil } = await admin.rotateLogKey({
    compromised,
    ...(overlap === undefined ? {} : { overlap: secondsOf(overlap) }),
  })
  const until = oldUntil?.toISOString() ?? null
  return [
    { vkey, fromSize, oldUntil: until },
    [
      `new key of the log: ${vkey}`,
      `it signs every checkpoint of more than ${fromSize} entries`,
      until === null
        ? 'the keys before it have ended; hand out the new one by a way that others trust'
        : `the key before it signs as well until ${until}; hand out the new one before that`,
    ],
  ]
}

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** Seconds of a duration such as `3600`, `90m`, `12h` or `30d`. */
export function secondsOf(duration: string): number {
  const [, count = '', unit = 's'] = /^(\d{1,8})([smhd])?$/.exec(duration) ?? []
  if (count === '') throw new Error('a duration is a number of seconds, or like 90m, 12h, 30d')
  return Number(count) * UNITS[unit as keyof typeof UNITS]
}
