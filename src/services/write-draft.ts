import { OstiaryError } from '../errors.ts'
import type { Tx } from '../storage/database.ts'
import type { DraftContent, DraftEntry, PackText } from '../storage/policy-drafts.ts'
import type { Caller } from './caller.ts'
import { type DraftView, draftView } from './draft-view.ts'
import { type Expected, requireVersion } from './expected-version.ts'
import {
  actorOf,
  authorOf,
  contentHash,
  ownOpenDraft,
  type PolicyLifeDependencies,
  requireOrgAdmin,
} from './policy-life.ts'
import { calledBy } from './record-event.ts'

/** A draft as it is written: the whole pack, not only what changes. */
export interface DraftStatement {
  readonly reason?: string
  /** Absent: the version in force. */
  readonly basedOn?: number
  readonly documents?: readonly PackText[]
  readonly yaml?: string | readonly string[]
  /** Absent: the tests of the version that it is based on. */
  readonly suites?: readonly PackText[]
}

/** A draft with its counter for If-Match. */
export interface VersionedDraft {
  readonly draft: DraftView
  readonly version: number
}

/** Open drafts of one agency; more than this nobody reads. */
const MOST_OPEN = 20

/** Characters of all documents and tests together; a body over HTTP is shorter anyway. */
const MOST_TEXT = 4_000_000

/**
 * Begins a draft. Its documents may have faults: they are told by `check`, all at once. Throws
 * `not_permitted`, `invalid_body` (no document, an unknown version), `state_conflict` (too many drafts).
 */
export function makeCreateDraft(deps: PolicyLifeDependencies) {
  return (caller: Caller, statement: DraftStatement): Promise<VersionedDraft> =>
    deps.acting(caller, { operation: 'createPolicyDraft' }, async (tx) => {
      requireOrgAdmin(caller)
      return insertDraft(deps, tx, caller, await contentOf(deps, tx, statement))
    })
}

/** Adds the draft with its event; also for the reactivation of an older version. */
export async function insertDraft(
  deps: PolicyLifeDependencies,
  tx: Tx,
  caller: Caller,
  content: DraftContent,
): Promise<VersionedDraft> {
  const { storage, runtime, recordEvent } = deps
  if ((await storage.countOpenDrafts(tx, caller.agencyId)) >= MOST_OPEN)
    throw new OstiaryError('state_conflict', { detail: 'the agency has too many open drafts' })
  const at = runtime.now()
  const id = runtime.uuid()
  const authors = [await authorOf(deps, tx, caller)]
  const { agencyId } = caller
  await storage.insertDraft(tx, { ...content, id, agencyId, authors, createdAt: at })
  await recordEvent(tx, {
    ...calledBy(caller),
    at,
    type: 'policy.draft_created',
    public: eventOf({ ...content, id }),
    private: {},
  })
  return reread(deps, tx, id)
}

/**
 * Replaces the content of an own draft by compare-and-set; what was approved or opened for comment
 * before, was another content. Throws `not_found`, `not_permitted`, `state_conflict`,
 * `precondition_failed`, `version_conflict`, `invalid_body`.
 */
export function makeReplaceDraft(deps: PolicyLifeDependencies) {
  return (
    caller: Caller,
    id: string,
    expected: Expected,
    statement: DraftStatement,
  ): Promise<VersionedDraft> =>
    deps.acting(caller, { operation: 'replacePolicyDraft', target: id }, async (tx) => {
      requireOrgAdmin(caller)
      const draft = await ownOpenDraft(deps, tx, caller, id)
      requireVersion(expected, draft.version)
      const content = await contentOf(deps, tx, statement)
      const author = await authorOf(deps, tx, caller)
      // With each key that they ever wrote under: changing it does not make another person.
      const isKnown = draft.authors.some(
        ({ practitionerId, key }) => practitionerId === author.practitionerId && key === author.key,
      )
      const authors = isKnown ? draft.authors : [...draft.authors, author]
      const at = deps.runtime.now()
      const kept = { ...content, reactivates: sameAs(draft, content) ? draft.reactivates : null }
      await change(deps, tx, draft, { at, content: { ...kept, authors } })
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'policy.draft_changed',
        public: eventOf({ ...kept, id }),
        private: {},
      })
      return reread(deps, tx, id)
    })
}

/** Ends an own draft. Throws `not_found`, `not_permitted`, `state_conflict`, `version_conflict`. */
export function makeWithdrawDraft(deps: PolicyLifeDependencies) {
  return (caller: Caller, id: string): Promise<VersionedDraft> =>
    deps.acting(caller, { operation: 'withdrawPolicyDraft', target: id }, async (tx) => {
      requireOrgAdmin(caller)
      actorOf(caller)
      const draft = await ownOpenDraft(deps, tx, caller, id)
      const at = deps.runtime.now()
      await change(deps, tx, draft, { at, withdrawn: true })
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'policy.draft_withdrawn',
        public: { draftId: id },
        private: {},
      })
      return reread(deps, tx, id)
    })
}

/** A draft that brings an older version back stays that as long as its texts are. */
const sameAs = (draft: DraftEntry, content: DraftContent): boolean =>
  contentHash({ ...draft, basedOn: 0 }) === contentHash({ ...content, basedOn: 0 })

async function change(
  { storage }: PolicyLifeDependencies,
  tx: Tx,
  draft: DraftEntry,
  to: Parameters<typeof storage.changeDraft>[2],
): Promise<void> {
  if (!(await storage.changeDraft(tx, draft, to))) throw new OstiaryError('version_conflict')
}

async function contentOf(
  { storage }: PolicyLifeDependencies,
  tx: Tx,
  statement: DraftStatement,
): Promise<DraftContent> {
  const documents = [...(statement.documents ?? []), ...[statement.yaml ?? []].flat()]
  if (documents.length === 0) throw invalid('#/documents', 'must hold a document')
  const active = await storage.findActivePolicy(tx)
  const basedOn = statement.basedOn ?? active?.version ?? 0
  const base = await storage.findPolicyVersion(tx, basedOn)
  if (!base) throw invalid('#/basedOn', 'is not a version')
  const suites = statement.suites ?? base.suites
  const length = JSON.stringify([documents, suites]).length
  if (length > MOST_TEXT) throw invalid('#/documents', `must be at most ${MOST_TEXT} characters`)
  const content = { basedOn, documents, suites }
  return {
    ...content,
    reason: statement.reason ?? null,
    reactivates: null,
    hash: contentHash(content),
  }
}

function invalid(pointer: string, detail: string): OstiaryError {
  return new OstiaryError('invalid_body', { errors: [{ pointer, detail }] })
}

const eventOf = ({ id, hash, basedOn, reactivates }: DraftContent & { readonly id: string }) => ({
  draftId: id,
  hash,
  basedOn,
  ...(reactivates === null ? {} : { reactivates }),
})

async function reread(
  { storage }: PolicyLifeDependencies,
  tx: Tx,
  id: string,
): Promise<VersionedDraft> {
  const draft = await storage.findDraft(tx, id)
  if (!draft) throw new OstiaryError('not_found')
  return { draft: draftView(draft, await storage.listApprovals(tx, [id])), version: draft.version }
}
