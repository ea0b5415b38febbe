// A second reading of the policy language, written from its reference alone, to hold the engine to.
// It works on the documents as they are written, rule by rule, and shares no code with the engine.
import type { FieldDefinition } from '../../src/domain/catalogue/types.ts'
import type {
  AgreementClause,
  AttributeSelector,
  ExceptClause,
  FieldClause,
  ForbidStatement,
  FromClause,
  PermitStatement,
  PolicyDocument,
  RecipientClause,
  WhenClause,
} from '../../src/domain/policy/document.ts'
import type { ConsentFacts, Facts, ValueFacts } from '../../src/domain/policy/facts.ts'

/** A verdict as plain data: the field by id, everything else as the engine says it. */
export interface Interpreted {
  readonly field: string
  readonly recordId: string
  readonly outcome: string
  readonly silent: boolean
  readonly rules: readonly string[]
  readonly tests: Record<string, string>
  readonly [more: string]: unknown
}

const TESTS = ['necessary', 'accurate', 'timely', 'secure']
const TEST_OF: Record<string, string> = {
  no_rule: 'necessary',
  purpose_not_allowed: 'necessary',
  purpose_forbidden: 'necessary',
  justification_missing: 'necessary',
  ethics_note_missing: 'necessary',
  condition_not_met: 'necessary',
  consent_missing: 'necessary',
  consent_withdrawn: 'necessary',
  consent_expired: 'necessary',
  no_agreement: 'necessary',
  no_legal_ground: 'necessary',
  excluded: 'necessary',
  exception_not_open: 'necessary',
  restricted: 'necessary',
  unverified: 'accurate',
  contested: 'accurate',
  stale: 'timely',
  channel_too_weak: 'secure',
  seal_required: 'secure',
  not_case_member: 'secure',
  role_not_allowed: 'secure',
  training_missing: 'secure',
  shielded: 'secure',
}
const REMEDY_OF: Record<string, string> = {
  consent_missing: 'ask_consent',
  consent_expired: 'ask_consent',
  purpose_not_allowed: 'narrow_purpose',
  unverified: 'request_verification',
  contested: 'request_verification',
  stale: 'request_verification',
  channel_too_weak: 'use_bound_token',
  seal_required: 'request_sealed',
  justification_missing: 'give_justification',
  ethics_note_missing: 'give_ethics_note',
  no_agreement: 'conclude_agreement',
  training_missing: 'complete_training',
  exception_not_open: 'claim_exception',
}

interface PermitInPack {
  readonly rule: PermitStatement
  readonly agreement: AgreementClause | undefined
}

/** What a nation may set beside the documents. */
export interface Nation {
  readonly freshness?: ReadonlyMap<number, { readonly ms: number }>
  readonly ledPurposes?: readonly string[]
}

/** Every value of every field asked for, in order, each on its own. */
export function interpret(
  documents: readonly PolicyDocument[],
  facts: Facts,
  nation: Nation = {},
): Interpreted[] {
  return facts.request.fields.flatMap((field) =>
    facts.values
      .filter((value) => value.field.id === field.id)
      .map((value) => interpretValue(documents, facts, value, nation)),
  )
}

function interpretValue(
  documents: readonly PolicyDocument[],
  facts: Facts,
  value: ValueFacts,
  nation: Nation,
): Interpreted {
  const base = { field: value.field.id, recordId: value.recordId }
  const { recipient, request } = facts
  const member = recipient.actsFor.length > 0
  const hush = !member || (recipient.actsFor.includes('perpetrator') && concernsHer(value))

  const withhold = (
    reasons: { code: string; rule?: string }[],
    rules: string[],
    allFourTested: boolean,
    silent: boolean,
    otherRemedies: string[] = [],
  ): Interpreted => {
    const failed = reasons.map(({ code }) => TEST_OF[code])
    const tests: Record<string, string> = {}
    for (const test of TESTS) {
      if (failed.includes(test)) tests[test] = 'fail'
      else if (allFourTested) tests[test] = 'pass'
    }
    const explained = silent
      ? []
      : reasons.map((reason) =>
          reason.code === 'consent_withdrawn' && !value.releasedBefore
            ? { ...reason, code: 'consent_missing' }
            : reason,
        )
    const remedies = explained.map(({ code }) => REMEDY_OF[code]).filter((r) => r !== undefined)
    const allRemedies = silent ? [] : [...new Set([...remedies, ...otherRemedies])].sort()
    return {
      ...base,
      outcome: 'withheld',
      silent,
      rules,
      tests,
      reasons,
      explained,
      remedies: allRemedies,
    }
  }

  // 1. Not a member: nothing, and silently.
  if (!member) return withhold([{ code: 'not_case_member' }], [], false, true)

  // 2. Forbids.
  const forbids = documents
    .flatMap((document) => document.forbid ?? [])
    .filter((rule) => forbidApplies(rule, facts, value))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  let liftedByClaim = false
  let liftingConsent: ConsentFacts | undefined
  const standing: ForbidStatement[] = []
  for (const rule of forbids) {
    const consent =
      rule.unlessConsent &&
      (rule.unlessConsent === true || isUpTo(rule.unlessConsent.by, facts, value))
        ? findConsent(facts, value, true)
        : undefined
    if (consent && typeof consent === 'object') liftingConsent = consent
    else if (request.exception && rule.unless.includes(request.exception)) liftedByClaim = true
    else standing.push(rule)
  }
  if (standing.length > 0) {
    const common = (standing[0]?.unless ?? []).filter((code) =>
      standing.every((rule) => rule.unless.includes(code)),
    )
    return withhold(
      standing.map((rule) => ({ code: rule.reason ?? 'shielded', rule: rule.id })),
      standing.map((rule) => rule.id),
      false,
      hush || standing.some((rule) => rule.explain === 'silent'),
      [
        ...(standing.every((rule) => rule.unlessConsent) ? ['ask_consent'] : []),
        ...(common.length > 0 ? ['claim_exception'] : []),
      ],
    )
  }

  // 3. Permits.
  const permits: PermitInPack[] = documents
    .flatMap((document) =>
      (document.permit ?? []).map((rule) => ({
        rule,
        agreement: rule.agreement ?? document.agreement,
      })),
    )
    .sort((a, b) => (a.rule.id < b.rule.id ? -1 : 1))
  const speaking = permits.filter(({ rule }) => permitSpeaks(rule, facts, value, 'fully'))
  if (speaking.length === 0) {
    const code = permits.some(({ rule }) => permitSpeaks(rule, facts, value, 'but for the purpose'))
      ? 'purpose_not_allowed'
      : permits.some(({ rule }) => permitSpeaks(rule, facts, value, 'but for the role'))
        ? 'role_not_allowed'
        : 'no_rule'
    return withhold([{ code }], [], false, hush)
  }
  const tried = speaking.map((permit) => ({
    ...permit,
    ...tryPermit(permit, facts, value, nation),
  }))
  const passing = tried.filter(({ reasons }) => reasons.length === 0)

  // 4. None passes: the closest one tells why; of equals, the one that the claim is for.
  if (passing.length === 0) {
    const fewest = Math.min(...tried.map(({ reasons }) => reasons.length))
    const close = tried.filter(({ reasons }) => reasons.length === fewest)
    const claim = facts.request.exception
    const meant = close.find(({ rule }) => claim && rule.exception?.includes(claim))
    const closest = meant ?? close[0]
    if (!closest) throw new Error('somebody came closest')
    const id = closest.rule.id
    return withhold(
      closest.reasons.map((code) => ({ code, rule: id })),
      [id],
      true,
      hush,
    )
  }

  // Several pass: the most revealing wins, then the smaller id (the list is in order of ids).
  const approved = request.approvedBy.includes(value.source.agencyId)
  const outcomeOf = (rule: PermitStatement) =>
    rule.review && !approved ? 'review' : rule.transform ? 'generalised' : 'released'
  const best = ['released', 'generalised', 'review'].find((outcome) =>
    passing.some(({ rule }) => outcomeOf(rule) === outcome),
  )
  const peers = passing.filter(({ rule }) => outcomeOf(rule) === best)
  const winner = peers[0]
  if (!winner || best === undefined) throw new Error('somebody won')
  const rules = passing.map(({ rule }) => rule.id)
  if (best === 'review') {
    if (hush) return withhold([{ code: 'shielded', rule: winner.rule.id }], rules, true, true)
    return {
      ...base,
      outcome: best,
      silent: false,
      rules,
      tests: allPass(),
      review: winner.rule.review,
    }
  }
  const consent = winner.consent ?? liftingConsent
  const law = lawOf(facts, value, nation)
  const grounds = groundsUnder(law, winner.rule.basis, consent !== undefined)
  const obligations = [
    ...passing.flatMap(({ rule }) => rule.obligations ?? []),
    ...value.conditions,
  ]
  return {
    ...base,
    outcome: best,
    silent: false,
    rules,
    tests: allPass(),
    basis: consent
      ? { ...grounds, consent: 'used', consentId: consent.id }
      : { ...grounds, consent: 'not_needed' },
    obligations: [...new Set(obligations)].sort(),
    stale: peers.every(({ stale }) => stale),
    agreementAlert: winner.alert,
    ...(winner.rule.transform ? { transform: winner.rule.transform } : {}),
    ...(winner.rule.expiresAfter ? { expiresAfter: winner.rule.expiresAfter } : {}),
    ...(winner.claimNeeded || liftedByClaim ? { exception: request.exception } : {}),
  }
}

function allPass(): Record<string, string> {
  return Object.fromEntries(TESTS.map((test) => [test, 'pass']))
}

/** From, about or locating victim or child, or held on their side. */
function concernsHer(value: ValueFacts): boolean {
  const hers = (party: string) => party === 'victim' || party === 'child'
  return (
    ['V', 'VS', 'CH', 'CP'].includes(value.informant) ||
    value.informantParties.some(hers) ||
    value.subjectParties.some(hers) ||
    value.field.locates.some(hers) ||
    value.source.actsFor.some(hers) ||
    value.source.actsFor.length === 0
  )
}

function forbidApplies(rule: ForbidStatement, facts: Facts, value: ValueFacts): boolean {
  const transfer = rule.transfer ?? ['own', 'internal', 'external']
  return (
    recipientFits(rule.to ?? {}, facts, true) &&
    (!rule.purpose || rule.purpose.includes(facts.request.purpose)) &&
    subjectFits(rule, facts) &&
    sourceFits(rule.from ?? {}, value) &&
    transfer.includes(transferOf(facts, value)) &&
    fieldsFit(rule.fields, value) &&
    (!rule.informant || rule.informant.includes(value.informant)) &&
    (!rule.informantParty || shares(rule.informantParty, value.informantParties)) &&
    (!rule.restricted || value.restricted) &&
    !isLeftOut(rule.except, facts, value) &&
    conditionsHold(rule.when, facts, value)
  )
}

function permitSpeaks(
  rule: PermitStatement,
  facts: Facts,
  value: ValueFacts,
  how: 'fully' | 'but for the purpose' | 'but for the role',
): boolean {
  const transfer = rule.transfer ?? ['internal', 'external']
  return (
    recipientFits(rule.to, facts, how !== 'but for the role') &&
    (how === 'but for the purpose' || rule.purpose.includes(facts.request.purpose)) &&
    subjectFits(rule, facts) &&
    sourceFits(rule.from ?? {}, value) &&
    transfer.includes(transferOf(facts, value)) &&
    fieldsFit(rule.fields, value)
  )
}

function recipientFits(to: RecipientClause, { recipient }: Facts, withRole: boolean): boolean {
  return (
    (!to.sector || to.sector.includes(recipient.sector)) &&
    (!to.role || !withRole || to.role.includes(recipient.role)) &&
    (!to.actsFor || shares(to.actsFor, recipient.actsFor)) &&
    (!to.country || to.country.includes(recipient.country)) &&
    !(to.notCountry ?? []).includes(recipient.country) &&
    (to.public === undefined || to.public === recipient.public) &&
    (to.competentAuthority === undefined ||
      to.competentAuthority === recipient.competentAuthority) &&
    (to.nationalAuthorisation === undefined ||
      to.nationalAuthorisation === recipient.nationalAuthorisation)
  )
}

function subjectFits(
  rule: { readonly subject?: readonly string[]; readonly party?: readonly string[] },
  { subject }: Facts,
): boolean {
  return (
    (!rule.subject || shares(rule.subject, subject.roles)) &&
    (!rule.party || shares(rule.party, subject.parties))
  )
}

function sourceFits(from: FromClause, { source }: ValueFacts): boolean {
  return (
    (!from.sector || from.sector.includes(source.sector)) &&
    (!from.actsFor || shares(from.actsFor, source.actsFor)) &&
    (from.public === undefined || from.public === source.public) &&
    (from.competentAuthority === undefined || from.competentAuthority === source.competentAuthority)
  )
}

function transferOf({ recipient }: Facts, { source }: ValueFacts): 'own' | 'internal' | 'external' {
  if (source.agencyId === recipient.agencyId) return 'own'
  return source.organisationId === recipient.organisationId ? 'internal' : 'external'
}

function fieldsFit(clause: FieldClause, value: ValueFacts): boolean {
  const parts = Array.isArray(clause) ? clause : [clause]
  return parts.some((part: string | AttributeSelector) =>
    typeof part === 'string' ? selectorFits(part, value.field) : attributesFit(part, value),
  )
}

function selectorFits(selector: string, field: FieldDefinition): boolean {
  return selector === field.id || selector === field.group || selector === `${field.record}.*`
}

function attributesFit(part: AttributeSelector, value: ValueFacts): boolean {
  const { field } = value
  const located = field.locates.flatMap((whom) =>
    whom === 'subject' ? value.subjectParties : [whom],
  )
  return (
    (!part.category || shares(part.category, field.categories)) &&
    (!part.record || part.record.includes(field.record)) &&
    (!part.locates || shares(part.locates, located)) &&
    (!part.informant || part.informant.includes(value.informant)) &&
    (!part.statement || part.statement.includes(value.kind))
  )
}

function isLeftOut(except: ExceptClause | undefined, facts: Facts, value: ValueFacts): boolean {
  if (!except) return false
  if (except.fields && fieldsFit(except.fields, value)) return true
  if (except.informant?.includes(value.informant)) return true
  if (except.informantParty && shares(except.informantParty, value.informantParties)) return true
  if (except.kind?.includes(value.kind)) return true
  return except.flag !== undefined && shares(except.flag, [...facts.flags, ...value.flags])
}

function conditionsHold(when: WhenClause | undefined, facts: Facts, value: ValueFacts): boolean {
  const flags: readonly string[] = [...facts.flags, ...value.flags]
  if (when?.flags && !when.flags.every((flag) => flags.includes(flag))) return false
  if (when?.anyFlag && !shares(when.anyFlag, flags)) return false
  return !(when?.noFlags && shares(when.noFlags, flags))
}

/** All reasons why a permit that speaks of a value does not pass, in the order of the reference. */
function tryPermit(
  { rule, agreement }: PermitInPack,
  facts: Facts,
  value: ValueFacts,
  nation: Nation,
) {
  const { request, recipient, at } = facts
  const reasons = new Set<string>()
  let alert = false
  let claimNeeded = rule.exception !== undefined
  let consent: ConsentFacts | undefined

  if (rule.necessary.justification === 'required' && !request.justified) {
    reasons.add('justification_missing')
  }
  if (rule.necessary.ethicsNote === 'required' && !request.ethicsNoted) {
    reasons.add('ethics_note_missing')
  }
  if (!conditionsHold(rule.when, facts, value)) reasons.add('condition_not_met')
  if (isLeftOut(rule.except, facts, value)) reasons.add('excluded')
  if (rule.exception && !(request.exception && rule.exception.includes(request.exception))) {
    reasons.add('exception_not_open')
  }

  if (agreement?.required && value.source.agencyId !== recipient.agencyId) {
    const inForce = facts.agreements.filter(
      (one) =>
        one.validFrom <= at &&
        at < one.validTo &&
        one.parties.includes(recipient.agencyId) &&
        one.parties.includes(value.source.agencyId) &&
        one.purposes.includes(request.purpose),
    )
    if (inForce.length === 0) {
      const waived = agreement.unlessPurpose?.includes(request.purpose)
      if (agreement.onMissing === 'alert' || waived) alert = true
      else reasons.add('no_agreement')
    }
  }

  const law = lawOf(facts, value, nation)
  if (!standsOnLaw(rule.basis, law, facts, value)) reasons.add('no_legal_ground')

  if (rule.basis.consent !== 'not_needed') {
    const unless = rule.basis.consent === 'required' ? {} : rule.basis.consent.unless
    const flags = [...facts.flags, ...value.flags]
    const found = findConsent(facts, value, value.field.categories.includes('S9'))
    if (typeof found === 'object') consent = found
    else if (unless.purpose?.includes(request.purpose)) consent = undefined
    else if (unless.flags && shares(unless.flags, flags)) consent = undefined
    else if (request.exception && unless.exception?.includes(request.exception)) claimNeeded = true
    else reasons.add(`consent_${found}`)
  }

  if (rule.accurate?.verified === 'required' && value.verifiedAt === undefined) {
    reasons.add('unverified')
  }
  if ((rule.accurate?.contested ?? 'withhold') === 'withhold' && value.contested) {
    reasons.add('contested')
  }

  const old = at - (value.verifiedAt ?? value.collectedAt) > limitOf(rule, value, nation)
  const marks = rule.timely?.onStale === 'mark'
  if (old && !marks) reasons.add('stale')

  if ((rule.secure?.channel ?? 'sender_constrained') !== 'any') {
    if (request.channel !== 'sender_constrained') reasons.add('channel_too_weak')
  }
  if (rule.secure?.sealed === 'required' && !request.sealed) reasons.add('seal_required')
  for (const { code, maxAge } of rule.to.training ?? []) {
    const dates = recipient.trainings.filter((one) => one.code === code).map((one) => one.at)
    if (!dates.some((date) => date <= at && at - date <= milliseconds(maxAge))) {
      reasons.add('training_missing')
    }
  }
  const inOrder = Object.keys(TEST_OF).filter((code) => reasons.has(code))
  return { reasons: inOrder, stale: old && marks, alert, claimNeeded, consent }
}

/** Directive (EU) 2016/680 between two competent authorities at their own work, the GDPR otherwise. */
function lawOf(
  { request, recipient }: Facts,
  { source }: ValueFacts,
  { ledPurposes }: Nation,
): 'gdpr' | 'led' {
  const theirWork = ledPurposes ?? [
    'order_enforcement',
    'mandate_reporting',
    'prosecution_trial',
    'criminal_investigation',
  ]
  if (!theirWork.includes(request.purpose)) return 'gdpr'
  return [source, recipient].every((agency) => agency.competentAuthority) ? 'led' : 'gdpr'
}

function standsOnLaw(
  basis: PermitStatement['basis'],
  law: 'gdpr' | 'led',
  facts: Facts,
  value: ValueFacts,
): boolean {
  const { categories } = value.field
  if (law === 'led') {
    if (!basis.led) return false
    return categories.includes('S9') ? basis.led.includes('10') : true
  }
  if (!basis.gdpr) return false
  if (categories.includes('S9') && !basis.art9) return false
  if (!categories.includes('C10')) return true
  if (!basis.art10) return false
  const { recipient } = facts
  const holdsItAlready = transferOf(facts, value) === 'own'
  return recipient.public || recipient.nationalAuthorisation || holdsItAlready
}

/** The grounds of the law that holds. */
function groundsUnder(
  law: 'gdpr' | 'led',
  { gdpr = [], art9, art10, led = [] }: PermitStatement['basis'],
  byConsent: boolean,
): object {
  if (law === 'led') return { regime: law, primary: led[0], led }
  // Consent stands first where it was used, and last where it was not.
  const consent = gdpr.filter((ground) => ground === 'A6-1-a')
  const others = gdpr.filter((ground) => ground !== 'A6-1-a')
  const [primary] = byConsent ? [...consent, ...others] : [...others, ...consent]
  return { regime: law, primary, gdpr, art9, art10 }
}

function limitOf(rule: PermitStatement, value: ValueFacts, nation: Nation): number {
  const maxAge = rule.timely?.maxAge ?? 'catalogue'
  if (maxAge === 'none') return Infinity
  if (maxAge !== 'catalogue') return milliseconds(maxAge)
  const { freshness } = value.field
  if (freshness.kind !== 'days') return Infinity
  const day = 24 * 3600 * 1000
  const limits = [nation.freshness?.get(value.field.index)?.ms ?? freshness.days * day]
  for (const flag of value.flags) {
    const shorter = freshness.whenFlag?.[flag]
    if (shorter !== undefined) limits.push(shorter * day)
  }
  return Math.min(...limits)
}

/** The consent that counts, or the nearest thing to one. */
/** Whether the one who told it, or else the subject, is of one of these parties. */
function isUpTo(parties: readonly string[], facts: Facts, value: ValueFacts): boolean {
  const told = value.informantPersonId !== undefined
  if (!told && ['V', 'P', 'CH'].includes(value.informant)) return false
  return shares(parties, told ? value.informantParties : facts.subject.parties)
}

function findConsent(
  facts: Facts,
  value: ValueFacts,
  explicit: boolean,
): ConsentFacts | 'withdrawn' | 'expired' | 'missing' {
  const { request, recipient, subject, at } = facts
  const toldByPerson = ['V', 'P', 'CH'].includes(value.informant)
  const person = value.informantPersonId ?? (toldByPerson ? undefined : subject.personId)
  if (person === undefined) return 'missing'

  const hers =
    ['V', 'VS'].includes(value.informant) ||
    value.informantParties.includes('victim') ||
    value.subjectParties.includes('victim') ||
    value.field.locates.includes('victim')
  const narrow = hers || shares(['S9', 'L'], value.field.categories)
  const itemsOf = (consent: ConsentFacts) =>
    consent.items.filter(
      (item) =>
        item.purpose === request.purpose &&
        (!item.recipientRoles || item.recipientRoles.includes(recipient.role)) &&
        item.fields.includes(value.field.id) &&
        ('agencyId' in item.recipient
          ? item.recipient.agencyId === recipient.agencyId
          : !narrow && item.recipient.sector === recipient.sector),
    )
  const relevant = facts.consents.filter(
    (consent) => consent.personId === person && itemsOf(consent).length > 0,
  )
  const withdrawals = relevant.filter((consent) => consent.state === 'withdrawn')
  const isEnded = (consent: ConsentFacts) =>
    withdrawals.some((one) => (one.withdrawnAt ?? Infinity) >= consent.givenAt)
  const begun = relevant.filter((consent) => consent.state === 'given' && consent.givenAt <= at)
  const live = begun.filter(
    (consent) => at < consent.expiresAt && !isEnded(consent) && (consent.explicit || !explicit),
  )
  const namesAgency = (consent: ConsentFacts) =>
    itemsOf(consent).some((item) => 'agencyId' in item.recipient)
  const [first] = live.sort((a, b) => {
    if (a.givenAt !== b.givenAt) return b.givenAt - a.givenAt
    if (namesAgency(a) !== namesAgency(b)) return namesAgency(a) ? -1 : 1
    return a.id < b.id ? -1 : 1
  })
  if (first) return first
  if (withdrawals.length > 0) return 'withdrawn'
  return begun.some((consent) => consent.expiresAt <= at) ? 'expired' : 'missing'
}

const UNIT: Record<string, number> = { W: 604_800, D: 86_400, H: 3600, M: 60, S: 1 }

function milliseconds(duration: string): number {
  const parts = duration.match(/\d+[WDHMS]/g) ?? []
  const seconds = parts.map((part) => Number(part.slice(0, -1)) * (UNIT[part.slice(-1)] ?? NaN))
  return seconds.reduce((sum, one) => sum + one, 0) * 1000
}

function shares(a: readonly string[], b: readonly string[]): boolean {
  return a.some((word) => b.includes(word))
}
