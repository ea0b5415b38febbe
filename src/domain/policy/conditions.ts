import { consentStanding, type ConsentStanding } from './consent.ts'
import type { WhenClause } from './document.ts'
import type { Facts, ValueFacts } from './facts.ts'
import type { FlagSet } from './flag-sets.ts'
import type { Exclusion } from './program.ts'
import type { ReasonSet } from './reason-set.ts'
import type { Selection } from './selection.ts'
import type { Regime } from './verdict.ts'

/** One value under decision, with what several rules may ask about it. */
export interface ValueView {
  readonly facts: Facts
  readonly value: ValueFacts
  /** Flags of the case and of the value's own record. */
  readonly flags: FlagSet
  readonly regime: Regime
  /** Bit that a permit's `groundless` has set where it has no ground for the value. */
  readonly legalBit: number
  /** What request and value give those permits to withhold for that ask about it. */
  readonly lacks: ReasonSet
  /** Found out once, when the first rule asks. */
  anyConsent: ConsentStanding | undefined
  explicitConsent: ConsentStanding | undefined
}

/** Whether a flag holds for the case or for the value's own record. */
export function hasFlag({ flags }: ValueView, flag: string): boolean {
  return flags.flags.includes(flag)
}

/** Whether the flags that hold are those that a rule asks for. */
export function whenHolds(
  when: WhenClause | undefined,
  { flags }: Pick<FlagSet, 'flags'>,
): boolean {
  if (!when) return true
  const { flags: wanted = [], anyFlag, noFlags = [] } = when
  return (
    wanted.every((flag) => flags.includes(flag)) &&
    (!anyFlag || anyFlag.some((flag) => flags.includes(flag))) &&
    !noFlags.some((flag) => flags.includes(flag))
  )
}

/** Whether a rule leaves the value out; each part of the clause does so on its own. */
export function isExcluded(except: Exclusion | undefined, view: ValueView): boolean {
  if (!except) return false
  const { value } = view
  return (
    except.informant.includes(value.informant) ||
    except.kind.includes(value.kind) ||
    except.informantParty.some((party) =>
      (value.informantParties as readonly string[]).includes(party),
    ) ||
    except.flag.some((flag) => hasFlag(view, flag)) ||
    except.selections.some((selection) => isSelected(selection, value))
  )
}

function isSelected(
  { fields, about, informant, statement }: Selection,
  value: ValueFacts,
): boolean {
  return (
    fields.includes(value.field.index) &&
    (!about ||
      about.some((party) => (value.subjectParties as readonly string[]).includes(party))) &&
    (!informant || informant.includes(value.informant)) &&
    (!statement || statement.includes(value.kind))
  )
}

/** How consent to this very item stands. Special categories always need an explicit one (GDPR art. 9(2)(a)). */
export function consentOf(view: ValueView, explicitOnly: boolean): ConsentStanding {
  const { facts, value } = view
  if (explicitOnly || value.field.categories.includes('S9')) {
    return (view.explicitConsent ??= consentStanding(facts, value, true))
  }
  return (view.anyConsent ??= consentStanding(facts, value, false))
}
