/** The configuration with which a server of this database last started, as far as it is told. */
import type { Tx } from './database.ts'

/** State by environment variable. */
export async function readConfigurationState(tx: Tx): Promise<ReadonlyMap<string, string>> {
  const rows = await tx.selectFrom('configuration_state').selectAll().execute()
  return new Map(rows.map(({ setting, state }) => [setting, state]))
}

/** Keeps new states; `undefined` forgets a setting that there is no more. */
export async function keepConfigurationState(
  tx: Tx,
  changes: ReadonlyMap<string, string | undefined>,
): Promise<void> {
  for (const [setting, state] of changes) {
    if (state === undefined)
      await tx.deleteFrom('configuration_state').where('setting', '=', setting).execute()
    else
      await tx
        .insertInto('configuration_state')
        .values({ setting, state })
        .onConflict((conflict) => conflict.column('setting').doUpdateSet({ state }))
        .execute()
  }
}
