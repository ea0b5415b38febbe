/** Sign-ins of agencies' software in the log (LED art. 25; GDPR art. 32). */
import type { BoundedRefusals } from './bounded-refusals.ts'
import type { RecordAlone } from './record-together.ts'

/** What the token server did. */
export type SignIn = {
  readonly requestId?: string
  /** The client that was named, if there is one; proven only where a token was issued. */
  readonly client?: { readonly agencyId: string; readonly clientId: string }
} & (
  | {
      readonly issued: true
      readonly scopes: readonly string[]
      /** RFC 7638 thumbprint of the key that the token is bound to; absent for a plain bearer. */
      readonly keyThumbprint?: string
    }
  /** OAuth error code; never anything that the client sent. */
  | { readonly issued: false; readonly code: string }
)

export type RecordSignIn = (signIn: SignIn) => Promise<void>

/**
 * Writes a token that was issued, or that one was refused; the answer waits for it, and no token leaves
 * without its event. Throws `audit_unavailable`.
 */
export function makeRecordSignIn(deps: {
  readonly recordAlone: RecordAlone
  readonly refusals: Pick<BoundedRefusals, 'record'>
}): RecordSignIn {
  return async (signIn) => {
    const { requestId, client } = signIn
    const header = {
      ...client,
      ...(requestId === undefined ? {} : { requestId }),
      operation: 'token',
    }
    if (!signIn.issued)
      return deps.refusals.record({ ...header, type: 'signin.token_refused', code: signIn.code })
    if (!client) throw new Error('a token without a client')
    const { scopes, keyThumbprint } = signIn
    await deps.recordAlone({
      ...header,
      channel: keyThumbprint === undefined ? 'bearer' : 'sender_constrained',
      type: 'signin.token_issued',
      public: { scopes, keyThumbprint: keyThumbprint ?? null },
      private: {},
    })
  }
}
