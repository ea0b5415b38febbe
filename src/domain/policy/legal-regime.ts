import type { FieldDefinition } from '../catalogue/types.ts'
import type { BasisClause } from './document.ts'
import type { RecipientFacts, SourceFacts } from './facts.ts'
import { transferOf } from './transfer.ts'
import type { Basis, Regime } from './verdict.ts'

/**
 * Purposes for which competent authorities process under Directive (EU) 2016/680 (art. 1(1), 3(7));
 * a national profile may state others. The same police unit that shares for social support does so
 * under the GDPR (art. 9(1)).
 */
export const LED_PURPOSES: readonly string[] = Object.freeze([
  'criminal_investigation',
  'prosecution_trial',
  'order_enforcement',
  'mandate_reporting',
])

/** How the law looks at all values of one source on their way to one recipient. */
export interface LegalView {
  readonly regime: Regime
  /** Whether the recipient may be given data under GDPR art. 10. */
  readonly mayHoldCriminal: boolean
}

/**
 * The regime of a disclosure and whether criminal data may go there.
 *
 * LED only between two competent authorities and for one of `ledPurposes`; else GDPR. Criminal data
 * go to public bodies and to holders of a national authorisation (GDPR art. 10). An agency that reads
 * back its own record is given nothing that it does not hold.
 */
export function legalViewOf(
  source: SourceFacts,
  recipient: RecipientFacts,
  purpose: string,
  ledPurposes: readonly string[],
): LegalView {
  const led =
    source.competentAuthority && recipient.competentAuthority && ledPurposes.includes(purpose)
  return {
    regime: led ? 'led' : 'gdpr',
    mayHoldCriminal:
      recipient.public ||
      recipient.nationalAuthorisation ||
      transferOf(source, recipient) === 'own',
  }
}

/** What of a field's categories the law asks about. */
export interface LegalClass {
  /** GDPR art. 9, LED art. 10. */
  readonly special: boolean
  /** GDPR art. 10. */
  readonly criminal: boolean
}

/** The legal class of a field. */
export function legalClassOf({ categories }: FieldDefinition): LegalClass {
  return { special: categories.includes('S9'), criminal: categories.includes('C10') }
}

/**
 * Whether a permit has a ground for one value: the combined test, in which each category needs its own
 * ground and all must be there. Under the GDPR art. 6, art. 9 for special categories and art. 10 for
 * criminal data; under the LED art. 8, and art. 10 for special categories.
 */
export function hasGround(basis: BasisClause, of: LegalClass, view: LegalView): boolean {
  const { gdpr, art9, art10, led } = basis
  if (view.regime === 'led') return led !== undefined && (!of.special || led.includes('10'))
  return (
    gdpr !== undefined &&
    (!of.special || art9 !== undefined) &&
    (!of.criminal || (art10 !== undefined && view.mayHoldCriminal))
  )
}

/** The grounds of a permit that count under each regime, as recorded when no consent carried the release. */
export function groundsOf(basis: BasisClause): Readonly<Record<Regime, Basis>> {
  const { gdpr, art9, art10, led } = basis
  return Object.freeze({
    gdpr: Object.freeze<Basis>({
      regime: 'gdpr',
      ...primaryOf(gdpr?.find((ground) => ground !== CONSENT) ?? gdpr?.[0]),
      ...(gdpr ? { gdpr } : {}),
      ...(art9 ? { art9 } : {}),
      ...(art10 ? { art10 } : {}),
      consent: 'not_needed',
    }),
    led: Object.freeze<Basis>({
      regime: 'led',
      ...primaryOf(led?.[0]),
      ...(led ? { led } : {}),
      consent: 'not_needed',
    }),
  })
}

const CONSENT = 'A6-1-a'

const primaryOf = (ground: string | undefined) => (ground === undefined ? {} : { primary: ground })

/** The same grounds where a consent carried the release. */
export function withConsent(grounds: Basis, consentId: string): Basis {
  const carried = grounds.gdpr?.includes(CONSENT) ? { primary: CONSENT } : {}
  return { ...grounds, ...carried, consent: 'used', consentId }
}

const YES_OR_NO = [false, true]
const CLASSES: readonly LegalClass[] = YES_OR_NO.flatMap((criminal) =>
  YES_OR_NO.map((special) => ({ special, criminal })),
)
const VIEWS: readonly LegalView[] = (['gdpr', 'led'] as const).flatMap((regime) =>
  YES_OR_NO.map((mayHoldCriminal) => ({ regime, mayHoldCriminal })),
)

/** Number of a legal class, 0 to 3. */
export function numberOfClass({ special, criminal }: LegalClass): number {
  return (special ? 1 : 0) + (criminal ? 2 : 0)
}

/** Number of a view, 0, 4, 8 or 12; added to that of a class it is a bit of `groundlessBits`. */
export function numberOfView({ regime, mayHoldCriminal }: LegalView): number {
  return (mayHoldCriminal ? 4 : 0) + (regime === 'led' ? 8 : 0)
}

/** One bit for each view and class: set where the permit has no ground. Decisions read it. */
export function groundlessBits(basis: BasisClause): number {
  let bits = 0
  for (const view of VIEWS)
    for (const of of CLASSES)
      if (!hasGround(basis, of, view)) bits |= 1 << (numberOfView(view) + numberOfClass(of))
  return bits
}
