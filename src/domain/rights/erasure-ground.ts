/**
 * Why a person is erased at an agency, as codes: GDPR art. 17(1)(a) to (f), LED art. 16(2), and the end
 * of the time for which national law lets the agency keep it.
 */
export const ERASURE_GROUNDS = [
  'no_longer_necessary',
  'consent_withdrawn',
  'objection',
  'unlawful_processing',
  'legal_obligation',
  'child_online_service',
  'led_erasure',
  'retention_ended',
] as const
export type ErasureGround = (typeof ERASURE_GROUNDS)[number]

/** Reads a code; undefined for anything else. */
export function readErasureGround(text: string): ErasureGround | undefined {
  return ERASURE_GROUNDS.find((ground) => ground === text)
}
