import { OstiaryError } from '../errors.ts'
import type { Caller } from './caller.ts'

/**
 * Throws `not_permitted` unless the caller reads the audit log by office: the data protection officer
 * of an agency; of a supervisory authority its auditors too. Which events they see, the database says.
 */
export function requireAuditReader({ role, sector }: Caller): void {
  if (role === 'dpo' || (role === 'auditor' && sector === 'supervisory_authority')) return
  throw new OstiaryError('not_permitted', { detail: 'this needs the role `dpo`' })
}
