import { loadConfig } from '../config.ts'
import { withAdministration } from '../wire/administration.ts'
import { print } from './print.ts'

/** `ostiary migrate`: applies what is new of `migrations/`. */
export async function migrateDatabase(options: { readonly json?: boolean }): Promise<void> {
  const applied = await withAdministration(loadConfig(), (admin) => admin.migrate())
  const lines = applied.length > 0 ? applied.map((name) => `applied ${name}`) : ['nothing to apply']
  print(options, { applied }, lines)
}

/** `ostiary init`: makes what is missing, and tells what there is. The schema must be there. */
export async function init(options: { readonly json?: boolean }): Promise<void> {
  const made = await withAdministration(loadConfig(), (admin) => admin.initialise())
  print(options, made, [
    `key-encryption key: epoch ${made.keyEpoch}`,
    `token key:          ${made.tokenKey}`,
    `policy:             version ${made.policy.version}, ${made.policy.hash}`,
    `log verifier key:   ${made.logVkey}`,
    '',
    'Hand out the verifier key widely: with it anybody can check the log from outside.',
  ])
}
