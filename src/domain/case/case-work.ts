import type { PractitionerRole } from './vocabulary.ts'

const WITHOUT_CASES: readonly PractitionerRole[] = [
  'org_admin',
  'dpo',
  'auditor',
  'statistician',
  'researcher',
  'system_admin',
]

/**
 * Whether somebody in this role works on cases. Who runs an agency or watches over it sees what it
 * does, but neither writes nor reads what a case holds (S26).
 */
export function worksOnCases(role: PractitionerRole): boolean {
  return !WITHOUT_CASES.includes(role)
}

/** Whether the role runs an agency or the server: agencies, practitioners, agreements. */
export function administers(role: PractitionerRole): boolean {
  return role === 'org_admin' || role === 'system_admin'
}
