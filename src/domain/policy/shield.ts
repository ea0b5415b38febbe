import type { Informant, Party } from '../catalogue/types.ts'
import type { SourceFacts, ValueFacts } from './facts.ts'

/** Victim, child, and the services that speak for them alone. */
export const SHELTERED_INFORMANTS: readonly Informant[] = ['V', 'VS', 'CH', 'CP']

/**
 * Whether a value comes from, is about, or locates victim or child. Towards an agency that acts for
 * the perpetrator every withholding of such a value is silent, whatever the reason: for him, a world
 * in which she sought help must look like one in which she did not (architecture §4).
 *
 * A source that acts for victim or child shelters all that it holds, and so does one that has left the
 * case, since for whom it acted is no longer known.
 */
export function isSheltered(
  value: Pick<ValueFacts, 'field' | 'informant' | 'informantParties' | 'subjectParties'> & {
    readonly source: Pick<SourceFacts, 'actsFor'>
  },
): boolean {
  return (
    SHELTERED_INFORMANTS.includes(value.informant) ||
    hasShelteredParty(value.informantParties) ||
    hasShelteredParty(value.subjectParties) ||
    value.field.locates.includes('victim') ||
    value.field.locates.includes('child') ||
    isShelteredSource(value.source)
  )
}

/** Whether a value is about, locates, or was told by or for the victim: no sector as such may be consented to. */
export function isVictimData(value: ValueFacts): boolean {
  return (
    value.informant === 'V' ||
    value.informant === 'VS' ||
    value.informantParties.includes('victim') ||
    value.subjectParties.includes('victim') ||
    value.field.locates.includes('victim')
  )
}

function isShelteredSource({ actsFor }: Pick<SourceFacts, 'actsFor'>): boolean {
  return actsFor.length === 0 || actsFor.includes('victim') || actsFor.includes('child')
}

function hasShelteredParty(parties: readonly Party[]): boolean {
  return parties.includes('victim') || parties.includes('child')
}
