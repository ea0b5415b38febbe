import type { PolicyVocabulary, WordList } from '../../src/domain/policy/vocabulary.ts'
import { type Change, type Json, type JsonObject, picked, withPart, wordsAt } from './change.ts'

const TRANSFERS = ['own', 'internal', 'external']

/** Countries outside every list of adequate ones, and some inside. */
const COUNTRIES = ['TR', 'RU', 'US', 'IN', 'AT', 'CH', 'JP']

/** Lists of words in rules and where their words come from. */
const SETS: Readonly<Record<string, WordList | 'transfer' | 'country'>> = {
  'from.sector': 'sector',
  'from.actsFor': 'actsFor',
  'to.sector': 'sector',
  'to.role': 'role',
  'to.actsFor': 'actsFor',
  'to.country': 'country',
  'to.notCountry': 'country',
  transfer: 'transfer',
  purpose: 'purpose',
  subject: 'personRole',
  party: 'party',
  informant: 'informant',
  informantParty: 'party',
  exception: 'exception',
  unless: 'exception',
  'unlessConsent.by': 'party',
  'when.flags': 'flag',
  'when.anyFlag': 'flag',
  'when.noFlags': 'flag',
  'except.informant': 'informant',
  'except.informantParty': 'party',
  'except.kind': 'kind',
  'except.flag': 'flag',
  'agreement.unlessPurpose': 'purpose',
  'basis.consent.unless.exception': 'exception',
  'basis.consent.unless.flags': 'flag',
  'basis.consent.unless.purpose': 'purpose',
}

/** The word that would do most harm where it does not belong, the worst first. */
const DANGEROUS: Readonly<Partial<Record<WordList | 'transfer' | 'country', readonly string[]>>> = {
  sector: ['perpetrator_programme', 'probation', 'police', 'victim_support'],
  role: ['pp_case_manager', 'probation_officer', 'police_officer', 'vss_advocate'],
  actsFor: ['perpetrator', 'all', 'victim'],
  transfer: ['own', 'internal', 'external'],
  purpose: ['programme_delivery', 'risk_management', 'social_support'],
  personRole: ['victim', 'perpetrator_alleged', 'child_victim'],
  party: ['perpetrator', 'victim', 'child'],
  informant: ['V', 'VS', 'P'],
  exception: ['break_glass', 'vital_interest', 'acute_danger'],
}

/** Each list of a rule with one word more, with one word less, and with parties changed about. */
export function changedSets(rule: JsonObject, vocabulary: PolicyVocabulary): readonly Change[] {
  return Object.entries(SETS).flatMap(([path, list]) => {
    const words = wordsAt(rule, path)
    if (!words) return []
    const all = allWords(list, vocabulary)
    const put = (now: readonly Json[]) => withPart(rule, path, now)
    return [
      ...moreWords(rule, path, words, all, DANGEROUS[list]).map((word): Change => ({
        operator: 'widen a set',
        what: `${path} + ${word}`,
        rule: put([...words, word]),
      })),
      ...fewerWords(rule, path, words).map((word): Change => ({
        operator: 'narrow a set',
        what: `${path} - ${word}`,
        rule: put(words.filter((one) => one !== word)),
      })),
      ...swapped(words, list).map(({ now, what }): Change => ({
        operator: 'swap a party',
        what: `${path}: ${what}`,
        rule: put(now),
      })),
    ]
  })
}

function allWords(
  list: WordList | 'transfer' | 'country',
  vocabulary: PolicyVocabulary,
): readonly string[] {
  if (list === 'transfer') return TRANSFERS
  return list === 'country' ? COUNTRIES : vocabulary[list]
}

/** The most dangerous word that is not there yet, and one drawn by lot. */
export function moreWords(
  rule: JsonObject,
  path: string,
  words: readonly string[],
  all: readonly string[],
  dangerous: readonly string[] = [],
): readonly string[] {
  const others = all.filter((word) => !words.includes(word))
  const worst = dangerous.find((word) => others.includes(word))
  const drawn = picked(others, `${String(rule['id'])} ${path} +`)
  return [...new Set([worst, drawn])].filter((word) => word !== undefined)
}

/** One word drawn by lot, of two or more: without its only word a set is a condition dropped. */
export function fewerWords(
  rule: JsonObject,
  path: string,
  words: readonly string[],
): readonly string[] {
  if (words.length < 2 && path !== 'unless') return []
  const word = picked(words, `${String(rule['id'])} ${path} -`)
  return word === undefined ? [] : [word]
}

type Swap = Readonly<Record<string, string>>

const PARTIES: readonly Swap[] = [
  { victim: 'perpetrator', perpetrator: 'victim' },
  { victim: 'child', child: 'victim' },
]

/** Words that stand opposite each other, by the list that they are of. */
const OPPOSITES: Readonly<Partial<Record<WordList | 'transfer' | 'country', readonly Swap[]>>> = {
  party: PARTIES,
  actsFor: PARTIES,
  informant: [
    { V: 'P', P: 'V' },
    { V: 'CH', CH: 'V' },
  ],
  personRole: [
    {
      victim: 'perpetrator_alleged',
      perpetrator_alleged: 'victim',
      perpetrator_convicted: 'victim',
    },
    { victim: 'child_victim', child_victim: 'victim', child_witness: 'victim' },
  ],
}

/** The lists that come of taking one party for another. */
export function swapped(
  words: readonly string[],
  list: WordList | 'transfer' | 'country',
): readonly { readonly now: readonly string[]; readonly what: string }[] {
  return (OPPOSITES[list] ?? []).flatMap((opposite) => {
    if (!words.some((word) => Object.hasOwn(opposite, word))) return []
    const now = [...new Set(words.map((word) => opposite[word] ?? word))]
    return [{ now, what: Object.keys(opposite).slice(0, 2).join(' for ') }]
  })
}
