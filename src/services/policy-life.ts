/** What the use cases around policy drafts have in common. */
import { createHash } from 'node:crypto'
import { canonicalize, type Json } from '../domain/log/canonical.ts'
import { OstiaryError } from '../errors.ts'
import type { Tx } from '../storage/database.ts'
import type * as notices from '../storage/notices.ts'
import type * as policies from '../storage/policies.ts'
import type * as approvals from '../storage/policy-approvals.ts'
import type * as comments from '../storage/policy-comments.ts'
import type * as drafts from '../storage/policy-drafts.ts'
import type { DraftAuthor, DraftContent, DraftEntry } from '../storage/policy-drafts.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import type { PolicyExaminer } from './policy-examiner.ts'
import type { RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** What they are made from. */
export interface PolicyLifeDependencies {
  readonly acting: Acting
  /** Lets the agency's own software read with nobody named. */
  readonly reading: Acting
  readonly storage: typeof drafts &
    typeof approvals &
    typeof comments &
    Pick<
      typeof policies,
      'activateDraft' | 'findActivePolicy' | 'findPolicyVersion' | 'findPolicyHistory'
    >
  readonly notices: Pick<typeof notices, 'insertNotices'>
  /** May remember what it found. */
  readonly examiner: Pick<PolicyExaminer, 'compare' | 'examine'>
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
  /** The practitioner's registered public key; undefined when there is none. */
  readonly keyOf: (tx: Tx, practitionerId: string) => Promise<Record<string, unknown> | undefined>
  /** The signed payload if the compact JWS verifies under the key; undefined otherwise. */
  readonly verifySignature: (
    jwk: Record<string, unknown>,
    jws: string,
  ) => Promise<Record<string, unknown> | undefined>
  /** Milliseconds that a time for comments has at least. */
  readonly commentPeriod: number
}

/** Practitioner and agency of a call that names somebody. */
export function actorOf({ agencyId, practitionerId }: Caller): policies.PolicyActor {
  if (practitionerId === undefined) throw new OstiaryError('practitioner_header_missing')
  return { agencyId, practitionerId }
}

/** Throws `not_permitted` unless an administrator of the agency acts. */
export function requireOrgAdmin({ role }: Caller): void {
  if (role !== 'org_admin')
    throw new OstiaryError('not_permitted', { detail: 'this needs the role `org_admin`' })
}

/** The draft, if the caller may know of it. Throws `not_found`. */
export async function seenDraft(
  { storage }: { readonly storage: Pick<typeof drafts, 'findDraft'> },
  tx: Tx,
  id: string,
): Promise<DraftEntry> {
  const draft = await storage.findDraft(tx, id)
  if (!draft) throw new OstiaryError('not_found')
  // Signatures are over the hash: it must be that of what stands here.
  if (contentHash(draft) !== draft.hash) throw new Error('a draft is not what its hash says')
  return draft
}

/** The same, open and of the caller's own agency. Throws `not_found`, `not_permitted`, `state_conflict`. */
export async function ownOpenDraft(
  deps: Pick<PolicyLifeDependencies, 'storage'>,
  tx: Tx,
  caller: Caller,
  id: string,
): Promise<DraftEntry> {
  const draft = await seenDraft(deps, tx, id)
  if (draft.agencyId !== caller.agencyId)
    throw new OstiaryError('not_permitted', { detail: 'the draft is another agency’s' })
  requireOpen(draft)
  return draft
}

/** Throws `state_conflict` for a draft that was withdrawn or is in force. */
export function requireOpen({ state }: Pick<DraftEntry, 'state'>): void {
  if (state !== 'open') throw new OstiaryError('state_conflict', { detail: 'the draft is closed' })
}

/** Throws `draft_outdated` unless the draft is based on the version in force. */
export async function requireInForce(
  { storage }: Pick<PolicyLifeDependencies, 'storage'>,
  tx: Tx,
  { basedOn }: Pick<DraftEntry, 'basedOn'>,
): Promise<void> {
  const active = await storage.findActivePolicy(tx)
  if (active?.version !== basedOn) throw new OstiaryError('draft_outdated')
}

/**
 * What is signed: `sha256:` and hexadecimal over the canonical JSON (RFC 8785) of documents, tests, and
 * the version that the draft is based on. Throws `invalid_body` for JSON that has no canonical text.
 */
export function contentHash({
  basedOn,
  documents,
  suites,
}: Pick<DraftContent, 'basedOn' | 'documents' | 'suites'>): string {
  try {
    return hashOf({ basedOn, documents, suites } as Json)
  } catch {
    const detail = 'is nested too deeply, or holds a number that cannot be kept'
    throw new OstiaryError('invalid_body', { errors: [{ pointer: '#/documents', detail }] })
  }
}

/** `sha256:` and hexadecimal over the canonical JSON of a value. */
export function hashOf(value: Json): string {
  return `sha256:${createHash('sha256').update(canonicalize(value)).digest('hex')}`
}

/** Thumbprint of a registered key (RFC 7638), so that one key does not count as two people. */
export function thumbprint(jwk: Readonly<Record<string, unknown>>): string {
  const members = jwk['kty'] === 'EC' ? ['crv', 'kty', 'x', 'y'] : ['crv', 'kty', 'x']
  const point = Object.fromEntries(members.map((member) => [member, jwk[member]]))
  return createHash('sha256').update(JSON.stringify(point)).digest('base64url')
}

/** The caller as an author, with the key that they would sign with. */
export async function authorOf(
  { keyOf }: Pick<PolicyLifeDependencies, 'keyOf'>,
  tx: Tx,
  caller: Caller,
): Promise<DraftAuthor> {
  const actor = actorOf(caller)
  const jwk = await keyOf(tx, actor.practitionerId)
  return { ...actor, key: jwk ? thumbprint(jwk) : null }
}

/** Tells the administrators of every agency that may read policies, besides one. */
export async function tellAgencies(
  { storage, notices, runtime }: Pick<PolicyLifeDependencies, 'storage' | 'notices' | 'runtime'>,
  tx: Tx,
  notice: {
    readonly type: 'policy_draft_opened' | 'policy_activated'
    readonly refs: Readonly<Record<string, string>>
    readonly except: string
    readonly at: Date
    readonly dueAt?: Date
  },
): Promise<{ readonly support: boolean }> {
  const agencies = await storage.listAgenciesToTell(tx)
  await notices.insertNotices(
    tx,
    agencies
      .filter(({ id }) => id !== notice.except)
      .map(({ id }) => ({
        id: runtime.uuid(),
        agencyId: id,
        role: 'org_admin',
        type: notice.type,
        urgency: notice.type === 'policy_activated' ? '24h' : '7d',
        refs: notice.refs,
        ...(notice.dueAt ? { dueAt: notice.dueAt } : {}),
      })),
    notice.at,
  )
  return { support: agencies.some(({ sector }) => sector === 'victim_support') }
}
