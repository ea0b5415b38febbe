/** Who asks at the release gate, and whether they may ask there at all. */
import { sealEvent } from '../domain/log/event.ts'
import { OstiaryError } from '../errors.ts'
import type { GateTransaction } from '../storage/gate.ts'
import type { GateWrite } from '../storage/gate-write.ts'
import type { Caller } from './caller.ts'
import type { DisclosureMode, DisclosureRequest } from './disclose-fields.ts'
import type { RecognisedContext } from './load-facts.ts'
import { calledBy } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** One request in an open transaction of the gate. */
interface Asking {
  readonly caller: Caller
  readonly request: DisclosureRequest
  readonly mode: DisclosureMode
  readonly gate: Pick<GateTransaction, 'context'>
  /** Time of decision. */
  readonly at: Date
}

/**
 * Refuses, and says so in the log, who may not ask here. An unknown case, a case of others and a
 * person of another case all look the same. Throws `practitioner_not_recognised` and `not_found` after
 * `commit`, and `sealing_key_missing`.
 */
export async function recogniseAsker(
  { runtime }: { readonly runtime: Runtime },
  { caller, request, mode, gate, at }: Asking,
  commit: (write: GateWrite) => Promise<void>,
): Promise<RecognisedContext> {
  const { context } = gate
  const { agency, practitioner, membership, memberUntil, subject } = context
  const refuse = async (code: 'practitioner_not_recognised' | 'not_found', cause: string) => {
    const header = {
      ...calledBy(caller),
      id: runtime.uuid(),
      at,
      type: code === 'not_found' ? 'disclose.refused' : 'authority.refused',
      caseId: request.caseId,
      subjectId: request.subjectId,
      result: 'refused',
    } as const
    const seen = {
      purpose: request.purpose,
      requested: request.fields,
      justified: Boolean(request.justification?.trim()),
      exception: request.exception?.code ?? null,
      kind: mode.kind,
      refused: code,
    }
    await commit({ event: sealEvent(header, seen, { cause }, () => runtime.random(32)) })
    return new OstiaryError(code)
  }
  if (!agency || agency.suspended) throw await refuse('practitioner_not_recognised', 'agency')
  if (!practitioner) throw await refuse('practitioner_not_recognised', 'practitioner')
  // The database has looked at the end of the membership by its own clock; by ours it counts as well.
  const over = memberUntil !== null && Date.parse(memberUntil) <= at.getTime()
  if (!membership || over) throw await refuse('not_found', 'not_a_member')
  if (!subject) throw await refuse('not_found', 'no_such_subject')
  if (request.seal && !agency.sealingKey) throw new OstiaryError('sealing_key_missing')
  return { ...context, agency, practitioner, membership, subject }
}
