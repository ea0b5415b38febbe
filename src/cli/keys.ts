import { loadConfig } from '../config.ts'
import { withAdministration } from '../wire/administration.ts'
import { print } from './print.ts'

interface RotateOptions {
  readonly compromised: boolean
  readonly epoch?: string
  readonly json?: boolean
}

/** `ostiary keys rotate token|encryption`. */
export async function rotateKeys(purpose: string, options: RotateOptions): Promise<void> {
  await withAdministration(loadConfig(), async (admin) => {
    if (purpose === 'token') {
      const { kid, signsFrom } = await admin.rotateTokenKey(options.compromised)
      const when = signsFrom.toISOString()
      return print(options, { kid, signsFrom: when }, [
        `token key ${kid} is published now and signs from ${when}`,
      ])
    }
    if (purpose !== 'encryption')
      throw new Error(`\`${purpose}\` is not a kind of key: token or encryption`)
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
