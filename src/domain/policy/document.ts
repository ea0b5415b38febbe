import type { ReasonCode } from './reasons.ts'
import type { Transform } from './verdict.ts'

/**
 * A policy document as administrators write it, once its shape is known to be right. Words are plain
 * strings here, since the vocabulary is an argument of `check` and `compile`. The shape itself is
 * stated once, in `grammar.ts`; `schemas/policy.schema.json` is made from it.
 */
export interface PolicyDocument {
  /** Unique over the pack, kebab case. */
  readonly policy: string
  readonly title: string
  /** Laws, protocols or contracts that it rests on (R6); never empty. */
  readonly source: readonly string[]
  /** Holds for every permit of the document that does not state its own. */
  readonly agreement?: AgreementClause
  readonly permit?: readonly PermitStatement[]
  readonly forbid?: readonly ForbidStatement[]
  readonly duty?: readonly DutyStatement[]
  readonly guardrail?: readonly GuardrailStatement[]
}

/** Whether a written agreement between the two agencies must be in force (R130, S34). */
export interface AgreementClause {
  readonly required: boolean
  /** Purposes that pass without one; the verdict then carries an alert. */
  readonly unlessPurpose?: readonly string[]
  /** `refuse` (default), or `alert`: pass and tell both administrators. */
  readonly onMissing?: 'refuse' | 'alert'
}

/** The agency that holds the value. Sets are allow-lists; absent means any. */
export interface FromClause {
  readonly sector?: readonly string[]
  readonly actsFor?: readonly string[]
  readonly public?: boolean
  readonly competentAuthority?: boolean
}

/** The agency, practitioner and session that ask. */
export interface RecipientClause {
  readonly sector?: readonly string[]
  readonly role?: readonly string[]
  readonly actsFor?: readonly string[]
  /** ISO 3166-1 alpha-2. */
  readonly country?: readonly string[]
  /** None of these; with `country`, both hold. */
  readonly notCountry?: readonly string[]
  readonly public?: boolean
  readonly competentAuthority?: boolean
  readonly nationalAuthorisation?: boolean
}

export interface TrainingClause {
  readonly code: string
  /** ISO 8601 duration of fixed length. */
  readonly maxAge: string
}

export interface PermitRecipientClause extends RecipientClause {
  /** All of them, each not older than its age (R133); failing it is a reason, not a mismatch. */
  readonly training?: readonly TrainingClause[]
}

/** `own`: same agency; `internal`: another agency of the same organisation (R2); `external`: the rest. */
export type Transfer = 'own' | 'internal' | 'external'

/** Fields and values by attribute: keys are AND-ed, the words of one key OR-ed. */
export interface AttributeSelector {
  readonly category?: readonly string[]
  readonly locates?: readonly string[]
  readonly record?: readonly string[]
  /** Who told this very value, not who typically would. */
  readonly informant?: readonly string[]
  readonly statement?: readonly string[]
}

/** Field ids, groups, whole records, attributes, or a list that mixes them (then OR-ed). */
export type FieldClause = AttributeSelector | readonly (string | AttributeSelector)[]

/** Values that a rule leaves out; each key leaves out on its own. */
export interface ExceptClause {
  readonly fields?: FieldClause
  readonly informant?: readonly string[]
  readonly informantParty?: readonly string[]
  readonly kind?: readonly string[]
  readonly flag?: readonly string[]
}

/** Policy flags of the case and of the value together; keys are AND-ed. */
export interface WhenClause {
  readonly flags?: readonly string[]
  readonly anyFlag?: readonly string[]
  readonly noFlags?: readonly string[]
}

export type Need = 'required' | 'optional'

export interface ConsentUnless {
  readonly exception?: readonly string[]
  readonly flags?: readonly string[]
  readonly purpose?: readonly string[]
}

export type ConsentClause =
  'not_needed' | 'required' | { readonly required: true; readonly unless: ConsentUnless }

/** Legal ground of a permit; names follow DPV (`A6-1-e`, `A9-2-g`) and, for the LED, article numbers. */
export interface BasisClause {
  readonly gdpr?: readonly string[]
  readonly art9?: string
  readonly art10?: 'authorised' | 'official_authority'
  readonly led?: readonly string[]
  readonly consent: ConsentClause
}

/** What both permits and forbids may narrow themselves by. */
interface Scope {
  /** Unique over the pack; cited in every verdict. */
  readonly id: string
  readonly title?: string
  readonly source?: readonly string[]
  readonly from?: FromClause
  readonly transfer?: readonly Transfer[]
  readonly subject?: readonly string[]
  readonly party?: readonly string[]
  readonly fields: FieldClause
  readonly except?: ExceptClause
  readonly when?: WhenClause
}

export interface PermitStatement extends Scope {
  readonly to: PermitRecipientClause
  readonly purpose: readonly string[]
  readonly agreement?: AgreementClause
  /** Open only while one of these is claimed. */
  readonly exception?: readonly string[]
  readonly necessary: {
    readonly because: string
    readonly justification?: Need
    readonly ethicsNote?: Need
  }
  readonly accurate?: {
    readonly verified?: 'required' | 'preferred' | 'any'
    readonly contested?: 'withhold' | 'mark'
  }
  readonly timely?: {
    /** `catalogue` (default), `none`, or an ISO 8601 duration of fixed length. */
    readonly maxAge?: string
    readonly onStale?: 'mark' | 'withhold'
  }
  readonly secure?: {
    readonly channel?: 'sender_constrained' | 'any'
    readonly sealed?: Need
  }
  readonly basis: BasisClause
  readonly transform?: Transform
  readonly review?: { readonly by: string; readonly within: string }
  readonly expiresAfter?: string
  readonly obligations?: readonly string[]
}

export interface ForbidStatement extends Scope {
  readonly to?: RecipientClause
  readonly purpose?: readonly string[]
  readonly informant?: readonly string[]
  readonly informantParty?: readonly string[]
  /** Only values whose processing is restricted (GDPR art. 18). */
  readonly restricted?: true
  /** A live, explicit consent to exactly this item lifts it; with `by`, only one of these parties'. */
  readonly unlessConsent?: true | { readonly by: readonly string[] }
  /** Claims that lift it; empty is absolute. */
  readonly unless: readonly string[]
  readonly explain: 'silent' | 'reason'
  /** Cause that is recorded, and told where it may be; `shielded` unless stated. */
  readonly reason?: ReasonCode
}

/** What must be told, to whom, by when, and who hears of it when nobody does. */
export interface DutyStatement {
  readonly id: string
  readonly title?: string
  readonly source?: readonly string[]
  readonly when: { readonly recorded: string }
  readonly notify: { readonly sector: readonly string[]; readonly role?: readonly string[] }
  readonly within: string
  readonly then: { readonly at: string; readonly escalate_to: string }
}

/** What a guardrail can speak of; `told` is a withholding whose reasons the requester gets to see. */
export const GUARDED_OUTCOMES = ['released', 'generalised', 'review', 'told'] as const
export type GuardedOutcome = (typeof GUARDED_OUTCOMES)[number]

/**
 * A claim about all possible requests, proven before a version can be activated and never evaluated
 * at run time. Its clauses narrow down which requests and values it speaks of, as those of a rule do;
 * then either none of the `never` outcomes can happen there, or nothing but the `always` outcomes.
 */
export interface GuardrailStatement extends Scope {
  readonly title: string
  readonly source: readonly string[]
  readonly to?: RecipientClause
  readonly purpose?: readonly string[]
  /** The person asked about is of none of these parties: where allegations go both ways, one is of several. */
  readonly notParty?: readonly string[]
  readonly informant?: readonly string[]
  readonly informantParty?: readonly string[]
  readonly restricted?: boolean
  readonly given?: GivenClause
  /** Claims under which the guardrail says nothing. */
  readonly unless?: readonly string[]
  /** It says nothing where a person of one of these parties explicitly consented to exactly this item. */
  readonly unlessConsent?: { readonly by: readonly string[] }
  readonly never?: readonly GuardedOutcome[]
  readonly always?: readonly GuardedOutcome[]
}

/** How the request and the value at hand stand; what is absent may be either way. */
export interface GivenClause {
  readonly member?: boolean
  readonly justified?: boolean
  readonly ethicsNoted?: boolean
  readonly sealed?: boolean
  readonly boundToken?: boolean
  readonly agreement?: boolean
  readonly approved?: boolean
  readonly contested?: boolean
  readonly verified?: boolean
  /** Every training that some rule asks for, recent enough. */
  readonly trained?: boolean
  /** One of these is claimed; an empty list: none at all. */
  readonly exception?: readonly string[]
  /** Collected or verified at most so long ago. */
  readonly within?: string
  readonly consent?: 'explicit' | 'any' | 'none'
}
