import { consentStanding, type ConsentStanding } from './consent.ts'
import type { WhenClause } from './document.ts'
import type { Facts, ValueFacts } from './facts.ts'
import type { Exclusion } from './program.ts'
import type { Selection } from './selection.ts'
import type { Regime } from './verdict.ts'

/** One value under decision, with what several rules may ask about it. */
export interface ValueView {
  readonly facts: Facts
  readonly value: ValueFacts
  /** Flags of the value's own record. */
  readonly flags: readonly string[]
  readonly regime: Regime
  /** Bit that a permit's `groundless` has set where it has no ground for the value. */
  readonly legalBit: number
  /** Found out once, when the first rule asks. */
  readonly consents: { any?: ConsentStanding; explicit?: ConsentStanding }
}

export function viewOf(
  facts: Facts,
  value: ValueFacts,
  regime: Regime,
  legalBit: number,
): ValueView {
  // Flags that do not open throw here, so that no rule is tried without them.
  return { facts, value, flags: value.flags, regime, legalBit, consents: {} }
}

/** Whether a flag holds for the case or for the value's own record. */
export function hasFlag({ facts, flags }: ValueView, flag: string): boolean {
  return flags.includes(flag) || (facts.flags as readonly string[]).includes(flag)
}

export function whenHolds(when: WhenClause | undefined, view: ValueView): boolean {
  if (!when) return true
  const { flags = [], anyFlag, noFlags = [] } = when
  return (
    flags.every((flag) => hasFlag(view, flag)) &&
    (!anyFlag || anyFlag.some((flag) => hasFlag(view, flag))) &&
    !noFlags.some((flag) => hasFlag(view, flag))
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
  const { facts, value, consents } = view
  if (explicitOnly || value.field.categories.includes('S9')) {
    return (consents.explicit ??= consentStanding(facts, value, true))
  }
  return (consents.any ??= consentStanding(facts, value, false))
}
