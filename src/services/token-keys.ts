import { createPublicKey } from 'node:crypto'
import type { Database } from '../storage/database.ts'
import type * as serverKeys from '../storage/server-keys.ts'
import {
  JWKS_MAX_AGE,
  type OpenSecret,
  type PrivateTokenJwk,
  type PublicTokenJwk,
  sealingContext,
  tokenJwk,
} from './server-keys.ts'

/** The token keys of this moment. */
export interface TokenKeys {
  /** Seconds for which a reader may keep a copy of `published`. */
  readonly maxAge: number
  /** The key that signs now. Throws when there is none. */
  signing(): PrivateTokenJwk
  /** Every key with which a token out there may be signed, and the next one. */
  published(): readonly PublicTokenJwk[]
  /**
   * The public key under this id as SPKI PEM; nothing when it is not published. An id that is not
   * known here makes it look once more, at most once a second.
   */
  verifying(kid: string): Promise<string | undefined>
  /** Reads the keys anew; also happens by itself every few seconds. */
  reload(): Promise<void>
  /** Stops the polling. */
  close(): void
}

/**
 * Opens the token keys and follows their changes by polling (default every 2 s), so that a node
 * knows a new key long before another node signs with it. Throws when there is no key that signs.
 */
export async function openTokenKeys({
  db,
  storage,
  open,
  pollMilliseconds = 2000,
  onError,
}: {
  db: Database
  storage: Pick<typeof serverKeys, 'listServerKeys'>
  open: OpenSecret
  pollMilliseconds?: number
  /** Told when a poll fails; the keys known before stay in use. */
  onError: (error: unknown) => void
}): Promise<TokenKeys> {
  // Owned by the returned object; replaced as a whole.
  let keys: readonly OpenedKey[] = []
  let lastReload = 0
  let loading: Promise<void> | undefined

  async function read(): Promise<void> {
    const known = new Map(keys.map((key) => [key.privateJwk.kid, key]))
    const stored = await storage.listServerKeys(db, 'token')
    keys = await Promise.all(stored.map((key) => openKey(key, open, known.get(key.kid))))
  }

  function reload(): Promise<void> {
    lastReload = Date.now()
    const mine = read().finally(() => {
      if (loading === mine) loading = undefined
    })
    loading = mine
    return mine
  }

  const publishedKeys = () => {
    const now = Date.now()
    return keys.filter(({ until }) => until === null || now < until)
  }
  const signing = () => {
    const now = Date.now()
    const key = publishedKeys().findLast(
      ({ from, stops }) => from <= now && (stops === null || now < stops),
    )
    if (!key) throw new Error('no token key signs at this time')
    return key.privateJwk
  }

  const pemOf = (kid: string) => publishedKeys().find(({ publicJwk }) => publicJwk.kid === kid)?.pem

  await reload()
  signing()
  const timer = setInterval(() => reload().catch(onError), pollMilliseconds)
  timer.unref()
  return {
    maxAge: JWKS_MAX_AGE,
    signing,
    published: () => publishedKeys().map(({ publicJwk }) => publicJwk),
    async verifying(kid) {
      if (pemOf(kid)) return pemOf(kid)
      // A poll under way may be bringing this very key.
      if (loading) await loading.catch(onError)
      else if (Date.now() - lastReload >= RELOAD_PAUSE) await reload().catch(onError)
      return pemOf(kid)
    },
    reload,
    close: () => clearInterval(timer),
  }
}

/** Milliseconds between two reloads that unknown key ids may cause. */
const RELOAD_PAUSE = 1000

interface OpenedKey {
  readonly privateJwk: PrivateTokenJwk
  readonly publicJwk: PublicTokenJwk
  readonly pem: string
  /** Milliseconds since the epoch: first signature, end of signatures, end of publication. */
  readonly from: number
  readonly stops: number | null
  readonly until: number | null
}

async function openKey(
  stored: serverKeys.StoredServerKey,
  open: OpenSecret,
  known: OpenedKey | undefined,
): Promise<OpenedKey> {
  const times = {
    from: stored.signsFrom.getTime(),
    stops: stored.signsUntil?.getTime() ?? null,
    until: stored.publishedUntil?.getTime() ?? null,
  }
  if (known) return { ...known, ...times }
  const secret = { sealed: stored.sealedPrivate, epoch: stored.keyEpoch }
  const plain = await open(secret, sealingContext(stored.kid))
  const { d, x, y } = JSON.parse(Buffer.from(plain).toString()) as PrivateTokenJwk
  plain.fill(0)
  const publicJwk = tokenJwk({ x, y })
  // The public half is taken from the sealed private one: a changed row cannot plant a key.
  if (publicJwk.kid !== stored.kid) throw new Error('a token key does not match its id')
  const pem = createPublicKey({ key: { ...publicJwk }, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem',
  })
  return { privateJwk: { ...publicJwk, d }, publicJwk, pem: pem.toString(), ...times }
}
