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

/** What the rule was written for, with so many changes, and up to three values more. */
export function drawRequest(
  target: Target,
  material: Material,
  dice: Dice,
  changes: number,
): Facts {
  const draft = factsFor(target, material, dice)
  const more = dice.pick([0, 0, 1, 1, 2, 3])
  for (let i = 0; i < more; i++) {
    addValue(draft, dice.chance(0.6) ? target : dice.pick(material.targets), material, dice)
  }
  for (let i = 0; i < changes; i++) {
    dice.pick(CHANGES)(draft, dice.pick(draft.values), dice, material)
  }
  if (dice.chance(0.3)) draft.request.fields.reverse()
  return draft as unknown as Facts
}

type Change = (draft: Draft, value: DraftValue, dice: Dice, material: Material) => void

/** One thing that is not as the rule wants it, or not as it was. */
const CHANGES: readonly Change[] = [
  ({ request }, _, dice, { words }) => void (request.purpose = dice.pick(words.purpose)),
  ({ request }) => void (request.justified = false),
  ({ request }) => void (request.ethicsNoted = false),
  ({ request }) => void (request.channel = 'bearer'),
  ({ request }) => void (request.sealed = !request.sealed),
  ({ request }, _, dice, { words }) => void (request.exception = dice.pick(words.exception)),
  ({ request }) => void delete request.exception,
  ({ request }) => void (request.approvedBy = []),
  ({ recipient }, _, dice, { words }) => void (recipient.sector = dice.pick(words.sector)),
  ({ recipient }, _, dice, { words }) => void (recipient.role = dice.pick(words.role)),
  ({ recipient }, _, dice, { words }) => void (recipient.actsFor = dice.some(words.actsFor, 0.4)),
  ({ recipient }, _, dice) => void (recipient.country = dice.pick(['AT', 'DE', 'RS', 'US', 'CH'])),
  ({ recipient }) => void (recipient.public = !recipient.public),
  ({ recipient }) => void (recipient.competentAuthority = !recipient.competentAuthority),
  ({ recipient }) => void (recipient.nationalAuthorisation = !recipient.nationalAuthorisation),
  ({ recipient }, _, dice) => void (recipient.organisationId = dice.pick(['roof', 'elsewhere'])),
  ({ recipient }, _, dice) => {
    for (const training of recipient.trainings)
      training.at = NOW - dice.pick([-1, 0, 730, 731, 900]) * DAY
  },
  ({ recipient }, _, dice) => void (recipient.trainings = dice.some(recipient.trainings, 0.5)),
  ({ subject }, _, dice, { words }) => void (subject.roles = [dice.pick(words.personRole)]),
  ({ subject }, _, dice, { words }) => void (subject.parties = dice.some(words.party, 0.4)),
  ({ flags }, _, dice, { words }) => void flags.push(dice.pick(words.flag)),
  (draft, value, dice) => {
    draft.flags = dice.some(draft.flags, 0.3)
    value.flags = dice.some(value.flags, 0.3)
  },
  (_, { flags }, dice, { words }) => void flags.push(dice.pick(words.flag)),
  (_, { flags }, dice, { words }) => void flags.push(...dice.some(words.flag, 0.3)),
  ({ request }, value, dice, { catalogue }) => {
    value.field = dice.pick(catalogue.fields)
    if (!request.fields.includes(value.field)) request.fields.push(value.field)
  },
  (_, value, dice, { words }) => void (value.informant = dice.pick(words.informant)),
  (_, value, dice) => {
    const { personId, parties } = dice.pick(Object.values(PEOPLE))
    value.informantPersonId = personId
    value.informantParties = [...parties]
  },
  (_, value, dice, { words }) => {
    delete value.informantPersonId
    value.informantParties = dice.chance(0.5) ? [] : dice.some(words.party, 0.4)
  },
  (_, value, dice, { words }) => void (value.kind = dice.pick(words.kind)),
  (_, value, dice, { words }) => void (value.subjectParties = dice.some(words.party, 0.4)),
  (_, value) => void (value.contested = !value.contested),
  (_, value) => void (value.restricted = !value.restricted),
  (_, value) => void delete value.verifiedAt,
  (_, value, dice) => void (value.verifiedAt = NOW - dice.below(400 * DAY)),
  (_, value, dice) => {
    delete value.verifiedAt
    value.collectedAt = NOW - dice.pick([0, 1, 7, 14, 30, 90, 180, 365, 900]) * DAY
  },
  (_, { source }, dice, { words }) => void (source.sector = dice.pick(words.sector)),
  (_, { source }, dice, { words }) => void (source.actsFor = dice.some(words.actsFor, 0.4)),
  (_, { source }) => void (source.public = !source.public),
  (_, { source }) => void (source.competentAuthority = !source.competentAuthority),
  (_, { source }, dice) => void (source.agencyId = dice.pick(['asking', 'holding', 'other'])),
  (_, { source }, dice) =>
    void (source.organisationId = dice.pick(['roof', 'elsewhere', 'asking'])),
  (draft, value, dice) => consent(draft, value, dice),
  (draft, value, dice) => {
    consent(draft, value, dice)
    changeConsent(draft, dice)
  },
  (draft, _, dice) => changeConsent(draft, dice),
  (draft) => void (draft.consents = []),
  (draft, _, dice) => {
    for (const one of draft.agreements) dice.pick(AGREEMENT_CHANGES)(one)
  },
  (draft) => void (draft.agreements = []),
]

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
