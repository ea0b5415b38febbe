import { OstiaryError } from '../errors.ts'
import type { Tx } from '../storage/database.ts'
import type { Transact } from '../storage/transaction.ts'
import type { Caller } from './caller.ts'
import { calledBy, type RecordEvent } from './record-event.ts'

/** What an operation is about, as far as the request says; for the event of a refusal. */
export interface About {
  /** operationId of the contract. */
  readonly operation: string
  readonly caseId?: string
  readonly subjectId?: string
  /** Id that the request names, of whatever kind: of a record, a disclosure, an agency … */
  readonly target?: string
}

/**
 * Runs one use case in a transaction as the caller's agency, after proving who acts. When it is
 * refused for want of authority (403, 404, a signature that does not verify), nothing of it stays but an audit event that says so.
 */
export type Acting = <Result>(
  caller: Caller,
  about: About,
  work: (tx: Tx) => Promise<Result>,
) => Promise<Result>

/** Throws what `work` throws; `audit_unavailable` when a refusal could not be written. */
export function makeActing(deps: {
  readonly transact: Transact
  /** Throws unless who acts is proven. */
  readonly requirePractitioner: (tx: Tx, caller: Caller) => Promise<unknown>
  readonly recordEvent: RecordEvent
}): Acting {
  return async (caller, about, work) => {
    try {
      return await deps.transact(caller.agencyId, async (tx) => {
        await deps.requirePractitioner(tx, caller)
        return work(tx)
      })
    } catch (error) {
      if (error instanceof OstiaryError && isRefusal(error))
        await recordRefusal(deps, caller, about, error.code)
      throw error
    }
  }
}

/** A person's signature that does not verify is a refusal of authority as well, whatever status says so. */
const SIGNATURE_CODES: readonly string[] = [
  'review_signature_invalid',
  'approval_signature_invalid',
]

const isRefusal = ({ statusCode, code }: OstiaryError): boolean =>
  [403, 404].includes(statusCode) || SIGNATURE_CODES.includes(code)

/** Writes the event of a refusal in a transaction of its own. */
export async function recordRefusal(
  { transact, recordEvent }: { readonly transact: Transact; readonly recordEvent: RecordEvent },
  caller: Caller,
  { operation, caseId, subjectId, target }: About,
  code: string,
): Promise<void> {
  try {
    await transact(caller.agencyId, (tx) =>
      recordEvent(tx, {
        ...calledBy(caller),
        type: 'authority.refused',
        operation,
        ...(caseId === undefined ? {} : { caseId }),
        ...(subjectId === undefined ? {} : { subjectId }),
        public: { operation, refused: code, ...(target === undefined ? {} : { target }) },
        private: {},
      }),
    )
  } catch (cause) {
    throw new OstiaryError('audit_unavailable', { cause })
  }
}
