import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { ERASURE_GROUNDS, readErasureGround } from '../domain/rights/erasure-ground.ts'
import { withErasure } from '../wire/erasure.ts'
import { print } from './print.ts'

/** Adds `person …`. */
export function addPersonCommands(program: Command): void {
  program
    .command('person')
    .description('people in the cases')
    .command('erase')
    .description('destroy what one agency can open about a person (owner rights; not undone)')
    .argument('<person>', 'id of the person')
    .requiredOption('--agency <agency>', 'id of the agency at which the person is erased')
    .requiredOption('--ground <code>', ERASURE_GROUNDS.join(', '))
    .option('--json', 'print JSON')
    .action(erasePersonCommand)
}

interface EraseOptions {
  readonly agency: string
  readonly ground: string
  readonly json?: boolean
}

/** `ostiary person erase`. */
async function erasePersonCommand(personId: string, options: EraseOptions): Promise<void> {
  const ground = readErasureGround(options.ground)
  if (!ground) throw new Error(`--ground must be one of ${ERASURE_GROUNDS.join(', ')}`)
  for (const id of [personId, options.agency])
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))
      throw new Error('person and agency are given by their ids')
  const order = { agencyId: options.agency, personId, ground }
  const erased = await withErasure(loadConfig(), ({ erase }) => erase(order))
  const { events, versions, keyDestroyed, eventId } = erased
  print(options, erased, [
    eventId === undefined
      ? 'there was nothing left to destroy'
      : `erased: ${keyDestroyed ? 'the key' : 'no key'}, ${versions} record versions, salts of ${events} events (event ${eventId})`,
    'Backups still hold the wrapped key: rotate the key-encryption key and destroy the old one (`ostiary keys rotate encryption`).',
  ])
}
