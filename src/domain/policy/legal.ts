import type { FieldDefinition } from '../catalogue/types.ts'
import type { PermitStatement } from './document.ts'

/** One way in which a permit does not stand on law; `at` is the part of the permit to mend. */
export interface LegalFault {
  readonly at: string
  readonly message: string
}

/**
 * The combined legal test of a permit (GDPR art. 6, 9 and 10; LED art. 8 and 10): every category among
 * the fields that it opens needs its own ground, and all of them must be there.
 *
 * @param fields the fields that the permit can release
 */
export function legalFaults(
  permit: PermitStatement,
  fields: readonly FieldDefinition[],
): readonly LegalFault[] {
  const { basis } = permit
  const led = basis.led ?? []
  const faults: LegalFault[] = []
  const fault = (at: string, message: string) => faults.push({ at, message })

  if (!basis.gdpr && !basis.led) {
    fault('basis', 'no ground: state `gdpr` (art. 6(1)), `led` or both')
  }
  const special = fields.find((field) => field.categories.includes('S9'))
  if (special && !basis.art9 && !led.includes('10')) {
    fault('basis', `\`${special.id}\` is S9 and needs \`art9\`, or \`10\` under \`led\``)
  }
  const criminal = fields.find((field) => field.categories.includes('C10'))
  if (criminal && !basis.art10 && led.length === 0) {
    fault('basis', `\`${criminal.id}\` is C10 and needs \`art10\` or \`led\``)
  }
  for (const message of legitimateInterest(permit)) fault('to', message)
  for (const message of consentAsGround(permit)) fault('basis/consent', message)
  return faults
}

/** GDPR art. 6(1), last sentence: point (f) is not for public authorities in their tasks. */
function legitimateInterest(permit: PermitStatement): readonly string[] {
  const grounds = permit.basis.gdpr ?? []
  if (!grounds.some((ground) => ground.startsWith('A6-1-f'))) return []
  if (permit.to.public === true)
    return ['`A6-1-f` is not open to public bodies, and `to` asks for one']
  const alone = grounds.every((ground) => ground.startsWith('A6-1-f')) && !permit.basis.led
  if (alone && permit.to.public !== false) {
    return ['`A6-1-f` alone does not carry a public body: say `public: false`']
  }
  return []
}

/** Consent that is a ground must be asked for: GDPR art. 6(1)(a), 7 and 9(2)(a). */
function consentAsGround(permit: PermitStatement): readonly string[] {
  const { gdpr, art9, consent } = permit.basis
  if (consent !== 'not_needed') return []
  const claimed = [
    gdpr?.includes('A6-1-a') ? 'A6-1-a' : [],
    art9 === 'A9-2-a' ? 'A9-2-a' : [],
  ].flat()
  return claimed.map((ground) => `\`${ground}\` is consent, so consent cannot be \`not_needed\``)
}
