import type { VersionContent } from '../domain/case/record-version.ts'
import type { Tx } from '../storage/database.ts'
import type * as notices from '../storage/notices.ts'
import type * as answers from '../storage/verification-answers.ts'
import type { OpenVerification } from '../storage/verification-answers.ts'
import type { Runtime } from './runtime.ts'

export interface AnswerDependencies {
  readonly verifications: Pick<typeof answers, 'listOpenVerifications' | 'markAnswered'>
  readonly notices: Pick<typeof notices, 'insertNotices'>
  readonly runtime: Runtime
}

/**
 * Answers the requests to verify that are fulfilled by the record as it is now, and tells those who
 * asked. A request is fulfilled when the source has looked, now (`looked`, field names) or since the
 * request, at each of its fields that the record still holds.
 */
export async function answerVerifications(
  { verifications, notices, runtime }: AnswerDependencies,
  tx: Tx,
  record: { readonly id: string; readonly caseId: string; readonly type: string },
  content: VersionContent,
  looked: readonly string[],
): Promise<readonly string[]> {
  const open = await verifications.listOpenVerifications(tx, record.id)
  const fulfilled = open.filter((request) => isFulfilled(request, record.type, content, looked))
  await verifications.markAnswered(
    tx,
    fulfilled.map(({ id }) => id),
    runtime.now(),
  )
  await notices.insertNotices(
    tx,
    fulfilled.map((request) => ({
      id: runtime.uuid(),
      agencyId: request.requestedBy,
      role: null,
      type: 'verification_answered',
      urgency: '24h',
      refs: {
        verificationRequestId: request.id,
        disclosureId: request.disclosureId,
        recordId: record.id,
        caseId: record.caseId,
      },
    })),
    runtime.now(),
  )
  return fulfilled.map(({ id }) => id)
}

function isFulfilled(
  { fields, createdAt }: OpenVerification,
  type: string,
  content: VersionContent,
  looked: readonly string[],
): boolean {
  return fields.every((id) => {
    const name = id.slice(type.length + 1)
    const field = content.fields.find((one) => one.name === name)
    const verifiedAt = field && content.provenance[field.provenance]?.verifiedAt
    return (
      !field ||
      looked.includes(name) ||
      (verifiedAt !== undefined && new Date(verifiedAt) >= createdAt)
    )
  })
}
