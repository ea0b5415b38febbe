import type { FieldDefinition } from '../../catalogue/types.ts'
import { legalClassOf } from '../legal-regime.ts'
import { ALWAYS, NEVER, type Node } from './diagrams.ts'
import type { Models, ProgramModel, Shelter } from './model.ts'
import { consentLive, grounded, type PermitModel, speaksOf, tooOld } from './rules.ts'
import type { Space } from './space.ts'

/** Where each outcome happens to values of one field, out of all requests, possible or not. */
export interface Outcomes {
  readonly released: Node
  readonly generalised: Node
  readonly review: Node
  /** Withheld, and the requester sees why. */
  readonly told: Node
}

/** What the barriers of one field are. */
export interface Barriers {
  /** Some forbid stands. */
  readonly standing: Node
  /** Some forbid that stands keeps silent. */
  readonly hushed: Node
  /** A consent, or else a claim, lifted some forbid. */
  readonly byConsent: Node
  readonly byClaim: Node
}

/** Functions of the conditions of one program that fields share; made once each. */
export class FieldModel {
  readonly #space: Space
  readonly #model: ProgramModel
  readonly #shelter: Shelter
  readonly #known = new Map<string, Node>()

  constructor({ space }: Models, model: ProgramModel, shelter: Shelter) {
    this.#space = space
    this.#model = model
    this.#shelter = shelter
  }

  /** Where every withholding of the field must not show (architecture §4; mirrors `decide`). */
  silence({ locates }: FieldDefinition): Node {
    const { diagrams } = this.#space
    const { member, hisSide, ofHers } = this.#shelter
    const hers = locates.includes('victim') || locates.includes('child') ? ALWAYS : ofHers
    return diagrams.or(diagrams.not(member), diagrams.and(hisSide, hers))
  }

  barriers(field: FieldDefinition): Barriers {
    const { diagrams } = this.#space
    let [standing, hushed, byConsent, byClaim] = [NEVER, NEVER, NEVER, NEVER]
    for (const rule of this.#model.forbids) {
      const applies = speaksOf(diagrams, rule, field)
      if (applies === NEVER) continue
      const unconsented = diagrams.minus(applies, rule.liftedByConsent)
      const stands = diagrams.minus(unconsented, rule.liftedByClaim)
      standing = diagrams.or(standing, stands)
      if (rule.forbid.silent) hushed = diagrams.or(hushed, stands)
      byConsent = diagrams.or(byConsent, diagrams.and(applies, rule.liftedByConsent))
      byClaim = diagrams.or(byClaim, diagrams.and(unconsented, rule.liftedByClaim))
    }
    return { standing, hushed, byConsent, byClaim }
  }

  /** Permits that can pass for the field, each with where it does. */
  passes(field: FieldDefinition): readonly (readonly [PermitModel, Node])[] {
    return this.#model.permits.flatMap((rule) => {
      const pass = this.#passOf(rule, field)
      return pass === NEVER ? [] : [[rule, pass] as const]
    })
  }

  outcomes(field: FieldDefinition): Outcomes {
    const { diagrams } = this.#space
    const silent = this.silence(field)
    const { standing, hushed } = this.barriers(field)
    const open = diagrams.minus(this.#shelter.member, standing)
    const approved = this.#space.holds('approved')
    let [released, generalised, reviewed] = [NEVER, NEVER, NEVER]
    for (const [rule, pass] of this.passes(field)) {
      const at = diagrams.and(pass, open)
      const direct = rule.reviewed ? diagrams.and(at, approved) : at
      if (rule.permit.transform) generalised = diagrams.or(generalised, direct)
      else released = diagrams.or(released, direct)
      reviewed = diagrams.or(reviewed, diagrams.minus(at, direct))
    }
    generalised = diagrams.minus(generalised, released)
    const leaves = diagrams.or(released, generalised)
    const review = diagrams.minus(diagrams.minus(reviewed, leaves), silent)
    const hidden = diagrams.any([leaves, review, silent, hushed])
    return { released, generalised, review, told: diagrams.not(hidden) }
  }

  /** The value is older than the permit wants. */
  old(rule: PermitModel, field: FieldDefinition): Node {
    const key = `old ${rule.permit.id} ${JSON.stringify(this.#model.program.freshness[field.index])}`
    return this.#once(key, () => tooOld(this.#space, this.#model.program, rule.permit, field))
  }

  /** Consent that a permit needs is live. */
  live(field: FieldDefinition): Node {
    return consentLive(this.#space, legalClassOf(field).special)
  }

  #passOf(rule: PermitModel, field: FieldDefinition): Node {
    const { diagrams } = this.#space
    const speaks = speaksOf(diagrams, rule, field)
    if (speaks === NEVER) return NEVER
    return diagrams.and(speaks, this.#passing(rule, field))
  }

  #passing(rule: PermitModel, field: FieldDefinition): Node {
    const { diagrams } = this.#space
    const { special, criminal } = legalClassOf(field)
    const freshness = rule.permit.withholdStale
      ? JSON.stringify(this.#model.program.freshness[field.index])
      : ''
    return this.#once(`pass ${rule.permit.id} ${special} ${criminal} ${freshness}`, () =>
      diagrams.all([
        rule.conditions,
        diagrams.or(rule.consentNeedless, this.live(field)),
        grounded(this.#space, this.#model.program, rule.permit, field),
        rule.permit.withholdStale ? diagrams.not(this.old(rule, field)) : ALWAYS,
      ]),
    )
  }

  #once(key: string, make: () => Node): Node {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const made = make()
    this.#known.set(key, made)
    return made
  }
}
