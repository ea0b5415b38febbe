import { addTo, emptySet, type RuleSet } from './bits.ts'
import { whenHolds } from './conditions.ts'
import type { Forbid, Permit, RuleScope } from './program.ts'

/** Some policy flags, and what they mean for the rules. */
export interface FlagSet {
  /** Those that some rule asks about. */
  readonly flags: readonly string[]
  /** Rules whose `when` they meet; a rule without one is always among them. */
  readonly permits: RuleSet
  readonly forbids: RuleSet
  /** The sets with one flag more, once somebody has asked for them: few, so they are looked through. */
  readonly more: { readonly flag: string; readonly set: FlagSet }[]
}

/** More sets than cases ever show; beyond it, what is known is forgotten. */
const MOST_SETS = 4096

/** Works out once what a set of flags means, since the same few come up in every request. */
export class FlagSets {
  readonly none: FlagSet
  readonly #permits: readonly Permit[]
  readonly #forbids: readonly Forbid[]
  /** Flags of which it matters whether they hold. */
  readonly #asked: ReadonlySet<string>
  #known = 0

  constructor(permits: readonly Permit[], forbids: readonly Forbid[]) {
    this.#permits = permits
    this.#forbids = forbids
    this.#asked = new Set([
      ...[...permits, ...forbids].flatMap(flagsAsked),
      ...permits.flatMap(({ consent }) => consent?.flags ?? []),
    ])
    this.none = this.#make([])
  }

  /** `set` with some flags more. */
  with(set: FlagSet, flags: readonly string[]): FlagSet {
    let whole = set
    for (let i = 0; i < flags.length; i++) whole = this.#withOne(whole, flags[i] as string)
    return whole
  }

  #withOne(set: FlagSet, flag: string): FlagSet {
    const { more } = set
    for (let i = 0; i < more.length; i++) {
      const known = more[i]
      if (known?.flag === flag) return known.set
    }
    return this.#add(set, flag)
  }

  #add(set: FlagSet, flag: string): FlagSet {
    const isNew = this.#asked.has(flag) && !set.flags.includes(flag)
    const more = isNew ? this.#make([...set.flags, flag]) : set
    if (this.#known === MOST_SETS) {
      this.none.more.length = 0
      this.#known = 0
    }
    this.#known++
    set.more.push({ flag, set: more })
    return more
  }

  #make(flags: readonly string[]): FlagSet {
    return {
      flags,
      permits: meeting(this.#permits, flags),
      forbids: meeting(this.#forbids, flags),
      more: [],
    }
  }
}

function flagsAsked({ when, except }: RuleScope): readonly string[] {
  const { flags = [], anyFlag = [], noFlags = [] } = when ?? {}
  return [...flags, ...anyFlag, ...noFlags, ...(except?.flag ?? [])]
}

function meeting(rules: readonly RuleScope[], flags: readonly string[]): RuleSet {
  const set = emptySet(rules.length)
  rules.forEach(({ when }, i) => {
    if (whenHolds(when, { flags })) addTo(set, i)
  })
  return set
}
