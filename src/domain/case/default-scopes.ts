import { mayActFor } from './parties.ts'
import type { Sector } from './vocabulary.ts'

const EVERYBODY = [
  'agencies:read',
  'agencies:write',
  'notices:read',
  'notices:write',
  'policies:read',
  // Whoever takes part has a data protection officer, and a supervisory authority works no case.
  'audit:read',
] as const

const CASE_WORK = [
  'cases:read',
  'cases:write',
  'records:read',
  'records:write',
  'disclosures:read',
  'disclosures:write',
  'consents:read',
  'consents:write',
] as const

/**
 * What the tokens of a new agency may allow when the operator does not say: the exchange itself for
 * sectors that can work a case, the directory, notices and policies for all.
 */
export function defaultScopes(sector: Sector): readonly string[] {
  return mayActFor(sector).length > 0 ? [...EVERYBODY, ...CASE_WORK] : EVERYBODY
}
