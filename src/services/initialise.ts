import { randomBytes } from 'node:crypto'
import type { Json } from '../domain/log/canonical.ts'
import { ed25519PublicKey } from '../domain/log/hash.ts'
import { type DigestedPolicyVersion, policyVersionDigest } from '../domain/log/record-digest.ts'
import { ED25519, formatVkey, verifierKey } from '../domain/log/vkey.ts'
import type { PackDocument } from '../domain/policy/settings.ts'
import type { Database, Tx } from '../storage/database.ts'
import type * as keyEpochs from '../storage/key-epochs.ts'
import type * as logKeys from '../storage/log-keys.ts'
import type * as policies from '../storage/policies.ts'
import type { PackText } from '../storage/policy-drafts.ts'
import type * as serverKeys from '../storage/server-keys.ts'
import type { KeyRing } from '../vault/key-ring.ts'
import { byCommand, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'
import { createTokenKey } from './server-keys.ts'

/** What `ostiary init` found or made. */
export interface Initialised {
  readonly keyEpoch: number
  readonly tokenKey: string
  /** Verifier key of the log (c2sp.org/signed-note), to be handed out widely. */
  readonly logVkey: string
  readonly policy: { readonly version: number; readonly hash: string }
}

export interface InitialiseDependencies {
  /** With the owner's rights. */
  readonly db: Database
  readonly keyRing: KeyRing
  readonly storage: {
    readonly epochs: Pick<typeof keyEpochs, 'insertKeyEpoch' | 'listKeyEpochs'>
    readonly keys: typeof serverKeys
    readonly logKeys: Pick<typeof logKeys, 'enterFirstLogKey'>
    readonly policies: typeof policies
  }
  readonly origin: string
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'now'>
}

/** What a sealed server key is bound to; token keys have the same form. */
const contextOf = (purpose: string, kid: string): string => `server-key/${purpose}/${kid}`

/**
 * Makes what a server cannot run without: the epoch of its key-encryption key, the keys with which it
 * signs tokens and its log, and a first policy version. Everything that is there already stays as it
 * is; run again, it only tells. All in one transaction, with an event for what was made.
 */
export function makeInitialise(deps: InitialiseDependencies) {
  return (policy: {
    readonly hash: string
    readonly documents: readonly PackDocument[]
    readonly suites?: readonly PackText[]
  }): Promise<Initialised> =>
    deps.db.transaction().execute(async (tx) => {
      const { keyRing, storage, runtime, origin } = deps
      const before = await keysOf(deps, tx)
      const keyEpoch = keyRing.currentEpoch
      await storage.epochs.insertKeyEpoch(tx, {
        epoch: keyEpoch,
        checkValue: keyRing.checkValue(keyEpoch),
      })
      const now = runtime.now()
      const seal = (plain: Uint8Array, context: string) => keyRing.sealSecret(plain, context)
      const token = await createTokenKey(tx, { storage: storage.keys, seal })
      const log = await ensureSecret(deps, tx, 'log', (seed) => ({
        vkey: formatVkey(verifierKey({ name: origin, seed }, ED25519)),
        x: Buffer.from(ed25519PublicKey(seed)).toString('base64url'),
      }))
      await storage.logKeys.enterFirstLogKey(tx)
      await ensureSecret(deps, tx, 'cursor', () => ({}))
      await ensureSecret(deps, tx, 'anchor', () => ({}))
      await recordNewKeys(deps, tx, before)
      const active = await storage.policies.findActivePolicy(tx)
      const version = active?.version ?? (await storage.policies.activatePolicy(tx, policy, now))
      const stored = await storage.policies.findPolicyVersion(tx, version)
      if (!active)
        await deps.recordEvent(tx, {
          ...{ ...INIT, at: now, type: 'policy.activated' },
          public: { version, hash: policy.hash, basedOn: null },
          private: { versionDigest: policyVersionDigest(firstVersion(version, policy)) },
        })
      return {
        keyEpoch,
        tokenKey: token.kid,
        logVkey: String(log['vkey']),
        policy: { version, hash: stored?.hash ?? policy.hash },
      }
    })
}

/** A version that nobody wrote here. */
function firstVersion(
  version: number,
  { hash, suites = [] }: { readonly hash: string; readonly suites?: readonly PackText[] },
): DigestedPolicyVersion {
  return { version, hash, suites, reason: null, authors: null, approvals: null }
}

const INIT = byCommand('init')

/** Purposes of the keys that a server has of its own. */
const PURPOSES = ['token', 'log', 'cursor', 'anchor'] as const

/** What there is of keys; public halves by kid, and epochs. */
async function keysOf({ storage }: InitialiseDependencies, tx: Tx): Promise<Map<string, Json>> {
  const keys = new Map<string, Json>()
  for (const { epoch } of await storage.epochs.listKeyEpochs(tx))
    keys.set(`epoch ${epoch}`, { purpose: 'encryption', epoch })
  for (const purpose of PURPOSES)
    for (const { kid } of await storage.keys.listServerKeys(tx, purpose))
      keys.set(kid, { purpose, kid })
  return keys
}

async function recordNewKeys(
  deps: InitialiseDependencies,
  tx: Tx,
  before: ReadonlyMap<string, Json>,
): Promise<void> {
  for (const [name, key] of await keysOf(deps, tx)) {
    if (before.has(name)) continue
    await deps.recordEvent(tx, {
      ...INIT,
      at: deps.runtime.now(),
      type: 'key.created',
      public: key as { readonly [member: string]: Json },
      private: {},
    })
  }
}

/** A secret of 32 random bytes for one purpose, made once; returns what is public about it. */
async function ensureSecret(
  { keyRing, storage, runtime }: InitialiseDependencies,
  tx: Tx,
  purpose: 'log' | 'cursor' | 'anchor',
  publicOf: (secret: Uint8Array) => Record<string, unknown>,
): Promise<Record<string, unknown>> {
  await storage.keys.lockServerKeys(tx, purpose)
  const existing = (await storage.keys.listServerKeys(tx, purpose)).at(-1)
  if (existing) return existing.publicKey
  const secret = randomBytes(32)
  const publicKey = publicOf(secret)
  const kid = `${purpose}-${randomBytes(8).toString('hex')}`
  const { sealed, epoch } = keyRing.sealSecret(secret, contextOf(purpose, kid))
  secret.fill(0)
  const now = runtime.now()
  await storage.keys.insertServerKey(tx, {
    kid,
    purpose,
    sealedPrivate: sealed,
    publicKey,
    keyEpoch: epoch,
    createdAt: now,
    signsFrom: now,
    signsUntil: null,
    publishedUntil: null,
  })
  return publicKey
}

/** Opens the newest secret of one purpose. Throws when there is none: the server was not initialised. */
export async function openServerSecret(
  deps: {
    readonly db: Database
    readonly keyRing: KeyRing
    readonly storage: Pick<typeof serverKeys, 'listServerKeys'>
  },
  purpose: 'log' | 'cursor' | 'anchor',
): Promise<{ readonly secret: Uint8Array; readonly publicKey: Record<string, unknown> }> {
  const key = (await deps.storage.listServerKeys(deps.db, purpose)).at(-1)
  if (!key) throw new Error(`there is no ${purpose} key; run \`ostiary init\` first`)
  const { kid, sealedPrivate, keyEpoch, publicKey } = key
  return {
    secret: deps.keyRing.openSecret(
      { sealed: sealedPrivate, epoch: keyEpoch },
      contextOf(purpose, kid),
    ),
    publicKey,
  }
}
