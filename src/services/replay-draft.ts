import { compileWrittenPack } from '../domain/policy/compile-pack.ts'
import type { Program } from '../domain/policy/program.ts'
import { policyVocabulary } from '../domain/policy/vocabulary.ts'
import type { Catalogue } from '../domain/catalogue/types.ts'
import { OstiaryError } from '../errors.ts'
import type { Tx } from '../storage/database.ts'
import type * as decisions from '../storage/decisions.ts'
import type * as drafts from '../storage/policy-drafts.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import { requireOrgAdmin, seenDraft } from './policy-life.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import type { Replayed, ReplayDecisions, ReplayWindow } from './replay-decisions.ts'

/** A replay of a draft. */
export interface ReplayedDraft extends Replayed {
  readonly draftId: string
  /** Of the draft's content. */
  readonly hash: string
}

export interface ReplayDraftDependencies {
  readonly acting: Acting
  readonly storage: Pick<typeof drafts, 'findDraft'> &
    Pick<typeof decisions, 'everActedForPerpetrator'>
  readonly recordEvent: RecordEvent
  readonly replayDecisions: ReplayDecisions
  readonly catalogue: Catalogue
}

/**
 * Tries a draft on the recorded decisions of all agencies in a window. Only for administrators of
 * agencies that never acted for a perpetrator: by a draft made for it, the counts of what is withheld
 * silently from that side would tell it what is there. It is written down before it begins.
 *
 * Throws `not_permitted`, `not_found`, `invalid_body` for a window that ends before it begins,
 * `draft_has_faults`.
 */
export function makeReplayDraft(deps: ReplayDraftDependencies) {
  return async (caller: Caller, id: string, window: ReplayWindow): Promise<ReplayedDraft> => {
    if (!(window.from < window.to))
      throw new OstiaryError('invalid_body', {
        errors: [{ pointer: '#/to', detail: 'must be after `from`' }],
      })
    const { draft, program } = await deps.acting(
      caller,
      { operation: 'replayPolicyDraft', target: id },
      async (tx: Tx) => {
        requireOrgAdmin(caller)
        if (await deps.storage.everActedForPerpetrator(tx, caller.agencyId))
          throw new OstiaryError('not_permitted', {
            detail: 'not for an agency that acts for perpetrators',
          })
        const found = await seenDraft(deps, tx, id)
        const compiled = programOfDocuments(found.documents, deps.catalogue)
        await deps.recordEvent(tx, {
          ...calledBy(caller),
          type: 'policy.replayed',
          public: {
            draftId: id,
            hash: found.hash,
            from: window.from.toISOString(),
            to: window.to.toISOString(),
          },
          private: {},
        })
        return { draft: found, program: compiled }
      },
    )
    return { draftId: id, hash: draft.hash, ...(await deps.replayDecisions(program, window)) }
  }
}

/** The program of documents as written. Throws `draft_has_faults`. */
export function programOfDocuments(documents: readonly unknown[], catalogue: Catalogue): Program {
  const written = documents.map((text, i) => ({ file: `documents/${i}`, text }))
  const compiled = compileWrittenPack(written, catalogue, policyVocabulary(catalogue))
  if (!compiled.ok) throw new OstiaryError('draft_has_faults')
  return compiled.program
}
