import type { ErrorEntry } from './errors.ts'

/** Problems with the audit log and with proofs out of it; part of `ERRORS`. */
export const AUDIT_ERRORS = {
  proof_erased: {
    status: 410,
    title: 'Proof was erased',
    meaning:
      'A person was erased and with them the salts that open this event; its entry stays in the log, and proofs given out before stay valid.',
  },
  event_retired: {
    status: 410,
    title: 'Event was retired',
    meaning:
      'The time for which audit events are kept is over; the entry stays in the log, and proofs given out before stay valid.',
  },
  witness_missing: {
    status: 503,
    title: 'Too few witnesses',
    meaning:
      'Too few witnesses have cosigned the audit log for longer than this server goes without them, so nothing is released; try again later.',
  },
  audit_unavailable: {
    status: 503,
    title: 'Audit log is unavailable',
    meaning: 'The audit log cannot be written, so nothing is released; try again later.',
  },
} as const satisfies Record<string, ErrorEntry>
