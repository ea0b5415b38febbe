import { DOMAINS, LASTS } from './neutral-words.ts'

/** A request as every engine gets it. */
export interface NeutralRequest {
  readonly sector: string
  readonly role: string
  readonly purpose: string
  readonly emergency: boolean
  readonly agreement: boolean
  readonly channel: number
  readonly fields: readonly NeutralField[]
}

/** One field asked for. Ages are in days. */
export interface NeutralField {
  readonly name: string
  readonly category: string
  readonly subject: string
  readonly source: string
  readonly consent: string
  readonly ageDays: number
  readonly maxAgeDays: number
  readonly verified: boolean
}

export const FIELDS_PER_REQUEST = 60

/** Who plausibly asks for what: three requests of four are drawn from these. */
const USUAL: readonly (readonly [sector: string, roles: string[], purposes: string[]])[] = [
  [
    'police',
    ['officer', 'detective'],
    ['criminal-investigation', 'risk-assessment', 'safety-planning'],
  ],
  [
    'probation',
    ['probation-officer'],
    ['offender-management', 'risk-assessment', 'case-conference'],
  ],
  ['courts', ['judge', 'clerk'], ['sentencing', 'prosecution']],
  ['prosecution', ['prosecutor'], ['prosecution']],
  [
    'child-protection',
    ['social-worker', 'team-manager'],
    ['child-safeguarding', 'case-conference'],
  ],
  ['adult-safeguarding', ['social-worker'], ['risk-assessment', 'safety-planning']],
  ['health-primary', ['gp', 'nurse'], ['treatment', 'risk-assessment']],
  ['mental-health', ['psychiatrist', 'psychologist'], ['treatment', 'case-conference']],
  [
    'victim-services',
    ['victim-advocate'],
    ['safety-planning', 'case-conference', 'partner-contact'],
  ],
  ['refuge', ['victim-advocate', 'case-coordinator'], ['safety-planning']],
  [
    'perpetrator-programme',
    ['programme-worker', 'case-coordinator'],
    ['programme-suitability', 'partner-contact'],
  ],
  ['housing', ['housing-officer'], ['housing-allocation', 'risk-assessment']],
  ['education', ['safeguarding-lead', 'teacher'], ['child-safeguarding']],
  ['benefits', ['analyst'], ['benefit-claim']],
  ['immigration', ['officer'], ['audit', 'case-conference']],
  ['police', ['auditor'], ['audit']],
]

/** The same requests for the same seed, on every machine. */
export function drawRequests(count: number, seed: number): readonly NeutralRequest[] {
  const random = generator(seed)
  return Array.from({ length: count }, () => drawRequest(random))
}

type Random = () => number

function drawRequest(random: Random): NeutralRequest {
  // The order of the draws is part of what a seed means.
  const who = random() < 0.75 ? drawUsual(random) : drawAny(random)
  const emergency = random() < 0.12
  const agreement = random() < 0.6
  const channel = random() < 0.1 ? 0 : 1 + Math.floor(random() * 3)
  const consents = DOMAINS.subject.map(() =>
    pick(random, ['granted', 'granted', 'none', 'withdrawn', 'expired']),
  )
  const fields = Array.from({ length: FIELDS_PER_REQUEST }, (_, i) =>
    drawField(random, i, consents),
  )
  return { ...who, emergency, agreement, channel, fields }
}

function drawUsual(random: Random) {
  const [sector, roles, purposes] = pick(random, USUAL)
  return { sector, role: pick(random, roles), purpose: pick(random, purposes) }
}

function drawAny(random: Random) {
  return {
    sector: pick<string>(random, DOMAINS.sector),
    role: pick<string>(random, DOMAINS.role),
    purpose: pick<string>(random, DOMAINS.purpose),
  }
}

/** Categories take turns; consent mostly goes with the person, the age leans towards young. */
function drawField(random: Random, position: number, consents: readonly string[]): NeutralField {
  const category = at(DOMAINS.category, position % DOMAINS.category.length)
  const person = Math.floor(random() * DOMAINS.subject.length)
  const source = pick<string>(random, DOMAINS.source)
  const consent = random() < 0.7 ? at(consents, person) : pick<string>(random, DOMAINS.consent)
  const ageDays = Math.floor(random() * random() * 3000)
  const verified = random() < 0.75
  return {
    name: `f${position}`,
    category,
    subject: at(DOMAINS.subject, person),
    source,
    consent,
    ageDays,
    maxAgeDays: LASTS[category] ?? 0,
    verified,
  }
}

function pick<T>(random: Random, items: readonly T[]): T {
  return at(items, Math.floor(random() * items.length))
}

function at<T>(items: readonly T[], position: number): T {
  return items[position] as T
}

/** Mulberry32: numbers from 0 (inclusive) to 1. */
function generator(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
