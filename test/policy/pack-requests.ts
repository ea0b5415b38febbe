// Random requests over a real pack: near what its rules were written for, and far from it.
import type { Facts } from '../../src/domain/policy/facts.ts'
import { type Dice, dice } from './dice.ts'
import {
  addValue,
  consent,
  DAY,
  type Draft,
  type DraftValue,
  factsFor,
  type Material,
  NOW,
  PEOPLE,
  type Target,
} from './pack-facts.ts'

/**
 * Requests for one to four values. Nine of ten begin as what some rule was written for, the rules
 * taking turns; then up to three things are changed. The others begin anywhere.
 */
export function* drawPackRequests(
  material: Material,
  count: number,
  seed: number,
): Generator<Facts> {
  const throwing = dice(seed)
  const { targets } = material
  for (let i = 0; i < count; i++) {
    const far = i % 10 === 9
    const target = far ? ANYTHING : (targets[(i - Math.floor(i / 10)) % targets.length] as Target)
    yield drawRequest(target, material, throwing, far ? 4 : throwing.below(4))
  }
}

const ANYTHING: Target = {
  effect: 'forbid',
  rule: {
    id: 'anything',
    fields: { category: ['O', 'S9', 'C10', 'K', 'L'] },
    unless: [],
    explain: 'reason',
  },
}

/**
 * What the rule was written for, with so many changes, and up to three values more.
 *
 * @param aspect what is changed besides
 */
export function drawRequest(
  target: Target,
  material: Material,
  dice: Dice,
  changes: number,
  aspect?: Aspect,
): Facts {
  const draft = factsFor(target, material, dice)
  const more = dice.pick([0, 0, 1, 1, 2, 3])
  for (let i = 0; i < more; i++) {
    addValue(draft, dice.chance(0.6) ? target : dice.pick(material.targets), material, dice)
  }
  for (let i = 0; i < changes; i++) {
    dice.pick(ALL_CHANGES)(draft, dice.pick(draft.values), dice, material)
  }
  if (aspect) dice.pick<Change>(CHANGES[aspect])(draft, dice.pick(draft.values), dice, material)
  if (dice.chance(0.3)) draft.request.fields.reverse()
  return draft as unknown as Facts
}

type Change = (draft: Draft, value: DraftValue, dice: Dice, material: Material) => void

/** Things that are not as the rule wants them, or not as they were, by what a rule says about them. */
const CHANGES = {
  purpose: [
    ({ request }, _, dice, { words }) => void (request.purpose = dice.pick(words.purpose)),
    otherPurpose,
    otherPurpose,
  ],
  justification: [({ request }) => void (request.justified = false)],
  ethicsNote: [({ request }) => void (request.ethicsNoted = false)],
  channel: [({ request }) => void (request.channel = 'bearer')],
  sealed: [({ request }) => void (request.sealed = !request.sealed)],
  exception: [
    ({ request }, _, dice, { words }) => void (request.exception = dice.pick(words.exception)),
    ({ request }) => void delete request.exception,
  ],
  review: [({ request }) => void (request.approvedBy = [])],
  'to.sector': [
    ({ recipient }, _, dice, { words }) => void (recipient.sector = dice.pick(words.sector)),
  ],
  'to.role': [({ recipient }, _, dice, { words }) => void (recipient.role = dice.pick(words.role))],
  'to.actsFor': [
    ({ recipient }, _, dice, { words }) => void (recipient.actsFor = dice.some(words.actsFor, 0.4)),
    ({ recipient }, _, dice, { words }) => void (recipient.actsFor = [dice.pick(words.actsFor)]),
  ],
  'to.country': [
    ({ recipient }, _, dice) =>
      void (recipient.country = dice.pick(['AT', 'DE', 'RS', 'US', 'CH'])),
  ],
  'to.public': [({ recipient }) => void (recipient.public = !recipient.public)],
  'to.competentAuthority': [
    ({ recipient }) => void (recipient.competentAuthority = !recipient.competentAuthority),
  ],
  'to.nationalAuthorisation': [
    ({ recipient }) => void (recipient.nationalAuthorisation = !recipient.nationalAuthorisation),
  ],
  transfer: [
    ({ recipient }, _, dice) => void (recipient.organisationId = dice.pick(['roof', 'elsewhere'])),
    (_, { source }, dice) => void (source.agencyId = dice.pick(['asking', 'holding', 'other'])),
    (_, { source }, dice) =>
      void (source.organisationId = dice.pick(['roof', 'elsewhere', 'asking'])),
  ],
  training: [
    ({ recipient }, _, dice) => {
      for (const training of recipient.trainings)
        training.at = NOW - dice.pick([-1, 0, 730, 731, 900]) * DAY
    },
    ({ recipient }, _, dice) => void (recipient.trainings = dice.some(recipient.trainings, 0.5)),
  ],
  subject: [
    ({ subject }, _, dice, { words }) => void (subject.roles = [dice.pick(words.personRole)]),
  ],
  party: [
    ({ subject }, _, dice, { words }) => void (subject.parties = dice.some(words.party, 0.4)),
  ],
  flags: [
    ({ flags }, _, dice, { words }) => void flags.push(dice.pick(words.flag)),
    (_, { flags }, dice, { words }) => void flags.push(dice.pick(words.flag)),
    (_, { flags }, dice, { words }) => void flags.push(...dice.some(words.flag, 0.3)),
    (draft, value, dice) => {
      draft.flags = dice.some(draft.flags, 0.3)
      value.flags = dice.some(value.flags, 0.3)
    },
  ],
  fields: [otherField, otherField, otherField],
  informant: [
    (_, value, dice, { words }) => void (value.informant = dice.pick(words.informant)),
    otherTeller,
    otherTeller,
    (_, value, dice) => {
      const { personId, parties } = dice.pick(Object.values(PEOPLE))
      value.informantPersonId = personId
      value.informantParties = [...parties]
    },
    (_, value, dice, { words }) => {
      delete value.informantPersonId
      value.informantParties = dice.chance(0.5) ? [] : dice.some(words.party, 0.4)
    },
  ],
  kind: [(_, value, dice, { words }) => void (value.kind = dice.pick(words.kind))],
  about: [(_, value, dice, { words }) => void (value.subjectParties = dice.some(words.party, 0.4))],
  contested: [(_, value) => void (value.contested = !value.contested)],
  restricted: [(_, value) => void (value.restricted = !value.restricted)],
  verified: [(_, value) => void delete value.verifiedAt],
  age: [
    (_, value, dice) => void (value.verifiedAt = NOW - dice.below(400 * DAY)),
    (_, value, dice) => {
      delete value.verifiedAt
      value.collectedAt = NOW - dice.pick([0, 1, 7, 14, 30, 90, 180, 365, 900]) * DAY
    },
  ],
  'from.sector': [
    (_, { source }, dice, { words }) => void (source.sector = dice.pick(words.sector)),
  ],
  'from.actsFor': [
    (_, { source }, dice, { words }) => void (source.actsFor = dice.some(words.actsFor, 0.4)),
  ],
  'from.public': [(_, { source }) => void (source.public = !source.public)],
  'from.competentAuthority': [
    (_, { source }) => void (source.competentAuthority = !source.competentAuthority),
  ],
  consent: [
    (draft, value, dice) => consent(draft, value, dice),
    (draft, value, dice) => {
      consent(draft, value, dice)
      changeConsent(draft, dice)
    },
    (draft, _, dice) => changeConsent(draft, dice),
    (draft) => void (draft.consents = []),
  ],
  agreement: [
    (draft, _, dice) => {
      for (const one of draft.agreements) dice.pick(AGREEMENT_CHANGES)(one)
    },
    (draft) => void (draft.agreements = []),
  ],
} as const satisfies Readonly<Record<string, readonly Change[]>>
/** What can be changed about a request. */
export type Aspect = keyof typeof CHANGES

const ALL_CHANGES: readonly Change[] = Object.values(CHANGES).flat()

/** All that is for the purpose goes with it, so that it is the rule that stops the other one. */
function otherPurpose(
  { request, consents, agreements }: Draft,
  _: unknown,
  dice: Dice,
  { words }: Material,
) {
  request.purpose = dice.pick(words.purpose)
  for (const agreement of agreements) agreement.purposes.push(request.purpose)
  for (const { items } of consents) for (const item of items) item.purpose = request.purpose
}

/** Sometimes of the same record type, and then with what was consented to. */
function otherField(
  { request, consents }: Draft,
  value: DraftValue,
  dice: Dice,
  { catalogue }: Material,
) {
  const near = catalogue.fields.filter(({ record }) => record === value.field.record)
  value.field = dice.pick(dice.chance(0.4) ? near : catalogue.fields)
  if (!request.fields.includes(value.field)) request.fields.push(value.field)
  for (const { items } of consents) for (const { fields } of items) fields.push(value.field.id)
}

/** Somebody of the case or a service on one side told it; with consent, where it is a person. */
function otherTeller(draft: Draft, value: DraftValue, dice: Dice): void {
  value.informant = dice.pick(['V', 'P', 'CH', 'VS', 'CP', 'PP'])
  delete value.informantPersonId
  value.informantParties = []
  const person = Object.entries(PEOPLE).find(([code]) => code === value.informant)?.[1]
  if (!person) return
  value.informantPersonId = person.personId
  if (dice.chance(0.5)) value.informantParties = [...person.parties]
  if (draft.consents.length > 0 || dice.chance(0.3)) consent(draft, value, dice)
}

function changeConsent({ consents, subject, recipient }: Draft, dice: Dice): void {
  const one = consents.at(-1)
  const item = one?.items[0]
  if (!one || !item) return
  dice.pick([
    () => void (one.explicit = false),
    () => void (one.expiresAt = NOW - dice.pick([0, DAY])),
    () => void (one.givenAt = NOW + dice.pick([0, 1])),
    () => void (one.personId = dice.pick(['ana', 'marko', 'lea', subject.personId])),
    () => void (item.recipientRoles = ['interpreter']),
    () => void (item.recipient = { sector: recipient.sector }),
    () => void (item.recipient = { agencyId: 'other' }),
    () => void (item.fields = ['person.full_name']),
    () => {
      const withdrawn = structuredClone(one)
      withdrawn.id = 'consent-z'
      withdrawn.state = 'withdrawn'
      withdrawn.withdrawnAt = one.givenAt + dice.pick([-1, 0, 1])
      consents.push(withdrawn)
    },
    () => {
      one.state = 'withdrawn'
      one.withdrawnAt = NOW
    },
  ])()
}

const AGREEMENT_CHANGES: readonly ((agreement: Draft['agreements'][number]) => void)[] = [
  (one) => void (one.validTo = NOW),
  (one) => void (one.validFrom = NOW + 1),
  (one) => void (one.purposes = ['statistics']),
  (one) => void (one.parties = ['asking', 'other']),
]
