/** Explanation and replay for the operator, at the server itself. */
import type { Config } from '../config.ts'
import { loadCrypto } from '../crypto/sodium.ts'
import type { LawfulUse } from '../domain/audit/vocabulary.ts'
import { buildCatalogue } from '../domain/catalogue/catalogue.ts'
import { loadRecordSchemas } from '../files/schemas.ts'
import { type DecisionExplanation, makeExplainToOperator } from '../services/explain-decision.ts'
import { compilePack, parsePack } from '../services/policy-versions.ts'
import { byCommand, makeRecordEvent } from '../services/record-event.ts'
import type { Replayed, ReplayWindow } from '../services/replay-decisions.ts'
import * as auditEvents from '../storage/audit-events.ts'
import * as decisions from '../storage/decisions.ts'
import * as policies from '../storage/policies.ts'
import { transactions } from '../storage/transaction.ts'
import { openVault } from '../vault/vault.ts'
import { openOwner, openPools } from './database.ts'
import { reachDatabase } from './database-address.ts'
import { keyEncryptionKeys, openCheckedKeyRing } from './keys.ts'
import { wirePastPolicies } from './past-policies.ts'
import { PROGRAM_FOLDER } from './program-folder.ts'
import { wireReplay } from './replay.ts'
import { RUNTIME } from './runtime.ts'

/** What the operator may do with past decisions. Both are written down in the log. */
export interface Explanations {
  /** Undefined when there is no such decision. */
  explain(disclosureId: string, lawfulUse: LawfulUse): Promise<DecisionExplanation | undefined>
  /** Tries the documents of a pack on the decisions of a window. Throws `PolicyFaults`. */
  replay(
    files: readonly { readonly file: string; readonly text: string }[],
    window: ReplayWindow,
  ): Promise<Replayed>
}

/** Reaches the configured database for one command, and lets go of it afterwards. */
export async function withExplanations<Result>(
  config: Config,
  work: (explanations: Explanations) => Promise<Result>,
): Promise<Result> {
  const [address, crypto] = await Promise.all([reachDatabase(config), loadCrypto()])
  const owner = openOwner(address)
  const pools = openPools(address, () => {})
  try {
    const keys = await keyEncryptionKeys(config, { create: false })
    const keyRing = await openCheckedKeyRing(crypto, keys, owner)
    const catalogue = buildCatalogue(loadRecordSchemas(`${PROGRAM_FOLDER}schemas/records`))
    const vault = openVault(crypto, keyRing)
    const { pastPolicies } = await wirePastPolicies(pools.app, catalogue)
    const origin = config.logOrigin
    const recordEvent = makeRecordEvent({ storage: auditEvents, runtime: RUNTIME, origin })
    const explain = makeExplainToOperator({
      storage: decisions,
      vault,
      pastPolicies,
      hashOfPolicy: async (db, version) =>
        (await policies.findPolicyVersion(db, version))?.hash ?? '',
      recordEvent,
    })
    const replay = wireReplay({ transact: transactions(pools.app), vault, pastPolicies })
    return await work({
      explain: (id, use) => owner.transaction().execute((tx) => explain(tx, id, use)),
      replay: async (files, window) => {
        const { program, hash } = compilePack(parsePack(files), catalogue)
        await owner.transaction().execute((tx) =>
          recordEvent(tx, {
            ...byCommand('policy replay'),
            type: 'policy.replayed',
            public: {
              hash,
              from: window.from.toISOString(),
              to: window.to.toISOString(),
            },
            private: {},
          }),
        )
        return replay(program, window)
      },
    }).finally(() => keyRing.close())
  } finally {
    await pools.close()
    await owner.destroy()
    await address.close()
  }
}
