import type { GateTransaction } from '../storage/gate.ts'
import type { SealedText } from '../vault/text.ts'
import type { Vault } from '../vault/vault.ts'
import type { Caller } from './caller.ts'
import type { DisclosureRequest } from './disclose-fields.ts'
import type { RecognisedContext } from './load-facts.ts'

/** One request in an open transaction of the gate. */
interface Asking {
  readonly caller: Caller
  readonly request: DisclosureRequest
  readonly gate: Pick<GateTransaction, 'keepSubjectKey'>
}

/**
 * Justification and notes are free text about the subject: sealed like a value of the subject, under
 * the asking agency's key, which is made on first use. Undefined when there are none.
 */
export async function sealNotes(
  vault: Vault,
  { caller, request, gate }: Asking,
  { subject, subjectKey, keyEpoch }: RecognisedContext,
  disclosureId: string,
): Promise<SealedText | undefined> {
  const { justification, ethicsNote, exception } = request
  if (justification === undefined && ethicsNote === undefined && !exception) return undefined
  const notes = {
    ...(justification === undefined ? {} : { justification }),
    ...(ethicsNote === undefined ? {} : { ethicsNote }),
    ...(exception ? { exceptionNote: exception.note } : {}),
  }
  const owner = { ownerId: subject.id, agencyId: caller.agencyId }
  const key = subjectKey
    ? { wrapped: Buffer.from(subjectKey.wrapped, 'base64'), epoch: subjectKey.epoch }
    : await gate.keepSubjectKey(vault.createSubjectKey(owner, keyEpoch), keyEpoch)
  return vault.sealText({ ...owner, kind: 'disclosure_notes', id: disclosureId }, key, notes)
}
