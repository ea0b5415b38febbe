import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { type Config, effectiveSettings } from '../config.ts'
import type { Crypto } from '../crypto/sodium.ts'
import type { Catalogue } from '../domain/catalogue/types.ts'
import { registerGuard } from '../http/caller.ts'
import type { Contract } from '../http/document.ts'
import type { Metrics } from '../http/metrics.ts'
import { scopesOf } from '../http/operations.ts'
import { makePages } from '../http/pages.ts'
import { auditHandlers } from '../http/routes/audit.ts'
import { disclosureHandlers } from '../http/routes/disclosures.ts'
import { noticeHandlers } from '../http/routes/notices.ts'
import { policyHandlers } from '../http/routes/policies.ts'
import { policyReplayHandlers } from '../http/routes/policy-replay.ts'
import { policyDraftHandlers } from '../http/routes/policy-drafts.ts'
import { buildServer } from '../http/server.ts'
import { tokenServer } from '../http/token-server.ts'
import { makeActing } from '../services/acting.ts'
import { makeAdmitCall } from '../services/admit-call.ts'
import { makeBoundedRefusals } from '../services/bounded-refusals.ts'
import { openServerSecret } from '../services/initialise.ts'
import { makeAcknowledgeNotice, makeListNotices } from '../services/notices.ts'
import { makeViewPolicies } from '../services/policy-versions.ts'
import { calledBy, makeRecordEvent } from '../services/record-event.ts'
import { makeRecordTogether } from '../services/record-together.ts'
import { makeRecordSignIn } from '../services/record-sign-in.ts'
import { makeRecordStart } from '../services/record-start.ts'
import { makeReplayDraft } from '../services/replay-draft.ts'
import { makeRequirePractitioner } from '../services/require-practitioner.ts'
import type { Runtime } from '../services/runtime.ts'
import { openTokenKeys } from '../services/token-keys.ts'
import { makeTokenStore } from '../services/token-store.ts'
import * as auditEvents from '../storage/audit-events.ts'
import * as configurationState from '../storage/configuration-state.ts'
import * as decisions from '../storage/decisions.ts'
import * as drafts from '../storage/policy-drafts.ts'
import * as notices from '../storage/notices.ts'
import * as oidcPayloads from '../storage/oidc-payloads.ts'
import * as policies from '../storage/policies.ts'
import * as practitioners from '../storage/practitioners.ts'
import * as replayGuard from '../storage/replay-guard.ts'
import * as serverKeys from '../storage/server-keys.ts'
import * as tokenClients from '../storage/token-clients.ts'
import { transactions } from '../storage/transaction.ts'
import type { KeyRing } from '../vault/key-ring.ts'
import { openVault } from '../vault/vault.ts'
import { makePolicyFollower } from '../workers/policy-follower.ts'
import { MACHINE_TIMERS } from '../workers/ticker.ts'
import { wireAudit } from './audit.ts'
import { wireCases } from './cases.ts'
import { wireClocks } from './clocks.ts'
import type { Pools } from './database.ts'
import { wireIntegrity } from './integrity.ts'
import { wireLog } from './log.ts'
import { wirePolicyLife } from './policy-life.ts'
import { wireReplay } from './replay.ts'
import { wireReleaseGate } from './release-gate.ts'
import { wireWitnesses } from './witnesses.ts'
import { runningProgram } from './running-program.ts'

/** A replay that somebody waits for over HTTP; the operator’s command takes more. */
const ONLINE_REPLAY = { most: 50_000, timeLimit: 20_000 } as const

/** What one server process is made from. */
export interface ServerParts {
  readonly config: Config
  readonly runtime: Runtime
  readonly logger: Logger
  readonly contract: Contract
  readonly crypto: Crypto
  readonly catalogue: Catalogue
  readonly pools: Pools
  readonly keyRing: KeyRing
  readonly metrics: Metrics
}

/** A composed server; ports are opened and workers started by its owner. */
export interface WiredServer {
  readonly app: FastifyInstance
  readonly logVkey: string
  publish(): Promise<void>
  runClocks(): Promise<void>
  startWorkers(): void
  stopWorkers(): Promise<void>
  /** Writes the start of this process into the log, and what of the configuration changed. */
  recordStart(): Promise<void>
  /** Stops what runs besides workers: the polling of keys. */
  close(): void
}

/** Composes doors, use cases, storage and workers over the given parts. */
export async function wireServer(parts: ServerParts): Promise<WiredServer> {
  const { config, runtime, logger, contract, catalogue, pools, keyRing, metrics } = parts
  const transact = transactions(pools.app)
  const origin = config.logOrigin
  const recordEvent = makeRecordEvent({ storage: auditEvents, runtime, origin })
  const recordAlone = makeRecordTogether({
    db: pools.worker,
    storage: auditEvents,
    runtime,
    origin,
  })
  const requirePractitioner = makeRequirePractitioner({ storage: practitioners })
  const acting = makeActing({ transact, requirePractitioner, recordEvent })
  const vault = openVault(parts.crypto, keyRing)
  const log = await wireLog({ config, runtime, logger, pools, keyRing })
  const refusals = makeBoundedRefusals({
    transact: (agencyId, work) =>
      agencyId === undefined ? pools.app.transaction().execute(work) : transact(agencyId, work),
    recordEvent,
    runtime,
  })
  const integrity = wireIntegrity({
    ...{ db: pools.worker, runtime, logger, recordEvent, metrics },
    ...{ keys: log.keys, anchorKey: log.anchorKey, interval: config.selfCheckInterval * 1000 },
  })
  const recordStart = makeRecordStart({
    db: pools.worker,
    storage: configurationState,
    recordEvent,
  })
  const clocks = wireClocks({ runtime, logger, pools, recordEvent, refusals })
  const shared = { ...parts, transact, acting, requirePractitioner, recordEvent, vault, origin }
  const witnesses = await wireWitnesses({ config, runtime, logger, pools, metrics, recordEvent })
  const gate = await wireReleaseGate({
    ...shared,
    tick: config.logTick,
    demandWitnesses: witnesses.demand,
  })
  const audit = wireAudit({ ...shared, tick: config.logTick })
  const follower = makePolicyFollower({
    follow: gate.followPolicy,
    timers: MACHINE_TIMERS,
    log: logger,
  })
  const cursor = await openServerSecret({ db: pools.app, keyRing, storage: serverKeys }, 'cursor')
  const pages = makePages(cursor.secret)
  const noticeParts = { acting, storage: notices, recordEvent, runtime }
  const tokenKeys = await openTokenKeys({
    db: pools.app,
    storage: serverKeys,
    open: (secret, context) => keyRing.openSecret(secret, context),
    onError: () => logger.error({ component: 'token-keys' }, 'keys could not be read'),
  })
  const scopes = scopesOf(contract.resolved)
  const store = makeTokenStore({
    db: pools.app,
    storage: { ...tokenClients, ...replayGuard, ...oidcPayloads },
  })
  const admit = makeAdmitCall({ pool: pools.door, storage: replayGuard })
  const { allowBearer, publicUrl } = config
  const app = await buildServer({
    logger,
    contract,
    handlers: {
      ...wireCases({ ...shared, pages }),
      ...disclosureHandlers(gate, pages),
      ...auditHandlers(audit.services, pages),
      ...noticeHandlers(
        {
          listNotices: makeListNotices(noticeParts),
          acknowledgeNotice: makeAcknowledgeNotice(noticeParts),
        },
        pages,
      ),
      ...policyHandlers(makeViewPolicies({ db: pools.app, storage: policies, catalogue }), pages),
      ...policyDraftHandlers(wirePolicyLife(shared), pages),
      ...policyReplayHandlers(
        makeReplayDraft({
          ...{ acting, recordEvent, catalogue },
          storage: { ...drafts, ...decisions },
          replayDecisions: wireReplay({ transact, vault, ...gate }, ONLINE_REPLAY),
        }),
      ),
    },
    guard: (server) =>
      registerGuard(server, {
        origin: publicUrl,
        keys: tokenKeys,
        admit,
        allowBearer,
        recordRefusal: ({ practitionerId, ...refusal }) =>
          refusals.record({
            ...refusal,
            type: 'authority.refused',
            ...(practitionerId === undefined ? {} : { claimedPractitionerId: practitionerId }),
          }),
      }),
    plugins: [
      (server) =>
        tokenServer(server, {
          ...{ origin: publicUrl, scopes, allowBearer, store, keys: tokenKeys },
          recordSignIn: makeRecordSignIn({ recordAlone, refusals }),
        }),
      log.routes,
    ],
    isReady: log.isWritable,
    degraded: async () => [
      ...log.concerns(),
      ...witnesses.concerns(),
      ...((await integrity.isOpen()) ? ['integrity'] : []),
    ],
    metrics,
    limits: {
      ...config,
      onLimited: (code, { caller, ...about }) =>
        refusals.record({
          ...(caller ? calledBy(caller) : {}),
          ...about,
          type: 'authority.limited',
          code,
        }),
    },
    timeGrid: config.timeGrid,
    trustProxy: config.trustProxy,
    names: catalogue.fields.map(({ name }) => name),
    newRequestId: () => runtime.uuid(),
  })
  return {
    app,
    logVkey: log.vkey,
    async publish() {
      await log.publish()
      await witnesses.collect()
      await audit.indexer.runNow()
    },
    async runClocks() {
      const { failed } = await clocks.runHousekeeping(runtime.now())
      if (failed.length > 0) throw new Error(`clocks failed: ${failed.join(', ')}`)
    },
    recordStart: async () => recordStart(await runningProgram(), effectiveSettings(config)),
    startWorkers() {
      log.start()
      witnesses.start()
      if (config.selfCheckInterval > 0) integrity.start()
      clocks.start()
      audit.indexer.start()
      follower.start()
    },
    async stopWorkers() {
      await Promise.all([
        integrity.stop(),
        log.stop(),
        witnesses.stop(),
        clocks.stop(),
        audit.indexer.stop(),
        follower.stop(),
      ])
      await refusals.flush({ all: true }).catch(() => {
        logger.error({ component: 'sign-ins' }, 'refusals that were counted could not be logged')
      })
    },
    close: () => tokenKeys.close(),
  }
}
