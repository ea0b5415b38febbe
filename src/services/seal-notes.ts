import type { GateTransaction } from '../storage/gate.ts'
import type { OwnedKey } from '../vault/facts.ts'
import type { SealedText } from '../vault/text.ts'
import type { Vault } from '../vault/vault.ts'
import type { Caller } from './caller.ts'
import type { DisclosureRequest } from './disclose-fields.ts'
import type { RecognisedContext } from './load-facts.ts'

/** One request in an open transaction of the gate. */
interface Asking {
  readonly caller: Caller
  readonly gate: Pick<GateTransaction, 'keepSubjectKey'>
}

/** The asking agency's own key for the subject, under which its notes lie; made on first use. */
export async function askersKey(
  vault: Vault,
  { caller, gate }: Asking,
  { subject, subjectKey, keyEpoch }: RecognisedContext,
): Promise<OwnedKey> {
  const owner = { ownerId: subject.id, agencyId: caller.agencyId }
  const key = subjectKey
    ? { wrapped: Buffer.from(subjectKey.wrapped, 'base64'), epoch: subjectKey.epoch }
    : await gate.keepSubjectKey(vault.createSubjectKey(owner, keyEpoch), keyEpoch)
  return { ...owner, key }
}

/**
 * Justification and notes are free text about the subject: sealed like a value of the subject, under
 * the asking agency's key. Undefined when there are none.
 */
export function sealNotes(
  vault: Vault,
  { justification, ethicsNote, exception }: DisclosureRequest,
  { key, ...owner }: OwnedKey,
  disclosureId: string,
): SealedText | undefined {
  if (justification === undefined && ethicsNote === undefined && !exception) return undefined
  const notes = {
    ...(justification === undefined ? {} : { justification }),
    ...(ethicsNote === undefined ? {} : { ethicsNote }),
    ...(exception ? { exceptionNote: exception.note } : {}),
  }
  return vault.sealText({ ...owner, kind: 'disclosure_notes', id: disclosureId }, key, notes)
}
