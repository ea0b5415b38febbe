import type { Party } from '../catalogue/types.ts'
import type { ActsFor, PersonRole, Sector } from './vocabulary.ts'

const PARTY_OF_ROLE: Partial<Record<PersonRole, Party>> = {
  victim: 'victim',
  // A new partner of the man needs the same shelter from him as the woman he harmed (R65).
  current_partner_of_perpetrator: 'victim',
  perpetrator_alleged: 'perpetrator',
  perpetrator_convicted: 'perpetrator',
  child_victim: 'child',
  child_witness: 'child',
  other_dependant: 'child',
}

/** Parties that a person's roles in one case stand for; several where allegations go both ways. */
export function partiesOf(roles: readonly PersonRole[]): readonly Party[] {
  return [
    ...new Set(roles.map((role) => PARTY_OF_ROLE[role]).filter((party) => party !== undefined)),
  ]
}

const SUPPORT: readonly ActsFor[] = ['victim', 'child']
const ANY: readonly ActsFor[] = ['victim', 'perpetrator', 'child', 'all']

const MAY_ACT_FOR: Record<Sector, readonly ActsFor[]> = {
  police: ['all'],
  prosecution: ['all'],
  court: ['all'],
  probation: ['perpetrator', 'all'],
  prison: ['perpetrator'],
  legal_aid: ['victim', 'perpetrator', 'child'],
  victim_support: SUPPORT,
  perpetrator_programme: ['perpetrator'],
  shelter: SUPPORT,
  helpline: SUPPORT,
  child_protection: ['child', 'all'],
  health_primary: ANY,
  hospital: ANY,
  forensic: ANY,
  mental_health: ANY,
  addiction: ANY,
  migration_asylum: ['victim', 'perpetrator', 'child'],
  social_services: ANY,
  housing: ['victim', 'perpetrator', 'child'],
  employment: ['victim', 'perpetrator'],
  school_childcare: ['child'],
  family_support: ['victim', 'perpetrator', 'child'],
  interpreting_pool: ['victim', 'perpetrator', 'child'],
  coordination_body: ['all'],
  research_evaluator: [],
  supervisory_authority: [],
  ngo_umbrella: [],
}

/**
 * Whom an agency of this sector may act for in a case. A programme never acts for the victim (R30);
 * an organisation that serves both sides is two agencies under one `parentId`.
 */
export function mayActFor(sector: Sector): readonly ActsFor[] {
  return MAY_ACT_FOR[sector]
}

/** Whether an agency acting for these parties must be treated as the perpetrator's side. */
export function isPerpetratorSide(actsFor: readonly ActsFor[]): boolean {
  return actsFor.includes('perpetrator')
}
