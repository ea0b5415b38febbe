import type { Config } from '../config.ts'
import { loadRecordSchemas } from '../files/schemas.ts'
import { verifyPersonSignature } from '../http/person-signature.ts'
import { makeActing } from '../services/acting.ts'
import { makeActivatePolicy } from '../services/activate-policy.ts'
import { makeRecogniseIfNamed } from '../services/administration.ts'
import { makeApproveDraft } from '../services/approve-draft.ts'
import {
  makeCommentOnDraft,
  makeListComments,
  makeOpenForComment,
} from '../services/comment-on-draft.ts'
import { makeCheckDraft, makeDiffDraft } from '../services/examine-draft.ts'
import { makeReactivatePolicy } from '../services/policy-history.ts'
import { rememberingExaminer } from '../services/policy-examiner.ts'
import type { RecordEvent } from '../services/record-event.ts'
import type { RequirePractitioner } from '../services/require-practitioner.ts'
import type { Runtime } from '../services/runtime.ts'
import { makeListDrafts, makeViewDraft } from '../services/view-drafts.ts'
import { makeCreateDraft, makeReplaceDraft, makeWithdrawDraft } from '../services/write-draft.ts'
import * as locks from '../storage/locks.ts'
import * as notices from '../storage/notices.ts'
import * as policies from '../storage/policies.ts'
import * as approvals from '../storage/policy-approvals.ts'
import * as comments from '../storage/policy-comments.ts'
import * as drafts from '../storage/policy-drafts.ts'
import { findSignatureKey } from '../storage/practitioners.ts'
import type { Transact } from '../storage/transaction.ts'
import { makePolicyExaminer } from '../workers/policy-examiner.ts'
import { PROGRAM_FOLDER } from './program-folder.ts'

const DAY = 86_400_000

/** The use cases around policy drafts and versions; for the server and for commands. */
export type PolicyLife = ReturnType<typeof wirePolicyLife>

/** Composes them. */
export function wirePolicyLife(parts: {
  readonly config: Pick<Config, 'policyCommentDays'>
  readonly transact: Transact
  readonly requirePractitioner: RequirePractitioner
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
}) {
  const { config, transact, requirePractitioner, recordEvent, runtime } = parts
  const acting = makeActing({ transact, requirePractitioner, recordEvent })
  const reading = makeActing({
    transact,
    recordEvent,
    requirePractitioner: makeRecogniseIfNamed({ requirePractitioner }),
  })
  const examiner = makePolicyExaminer({
    schemas: () => loadRecordSchemas(`${PROGRAM_FOLDER}schemas/records`),
  })
  const deps = {
    ...{ acting, reading, notices, locks, recordEvent, runtime },
    storage: { ...policies, ...drafts, ...approvals, ...comments },
    examiner: rememberingExaminer(examiner),
    keyOf: findSignatureKey,
    verifySignature: verifyPersonSignature,
    commentPeriod: config.policyCommentDays * DAY,
  }
  return {
    createDraft: makeCreateDraft(deps),
    listDrafts: makeListDrafts(deps),
    viewDraft: makeViewDraft(deps),
    replaceDraft: makeReplaceDraft(deps),
    withdrawDraft: makeWithdrawDraft(deps),
    checkDraft: makeCheckDraft(deps),
    diffDraft: makeDiffDraft(deps),
    openForComment: makeOpenForComment(deps),
    commentOnDraft: makeCommentOnDraft(deps),
    listComments: makeListComments(deps),
    approveDraft: makeApproveDraft(deps),
    activatePolicy: makeActivatePolicy({ ...deps, examineAgainst: examiner.examineAgainst }),
    reactivatePolicy: makeReactivatePolicy(deps),
  }
}
