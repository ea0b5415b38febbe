/**
 * The shared definitions (R131): what every word of the vocabulary and every list of codes means, on
 * which law it rests, and since which version of the glossary it holds.
 */
import {
  CATEGORY_MEANINGS,
  type Catalogue,
  type FieldDefinition,
  INFORMANT_MEANINGS,
} from '../catalogue/types.ts'
import { FLAG_DEFINITIONS } from '../catalogue/policy-flags.ts'
import { WORDING_CODES } from '../case/wording.ts'
import type { PolicyVocabulary } from './vocabulary.ts'

/** A definition as the file of the glossary has it. */
export interface Definition {
  readonly definition: string
  /** Absent: that of its list. */
  readonly basis?: readonly string[]
  /** National law by country (ISO 3166-1), where a word has a legal meaning of its own there. */
  readonly national?: Readonly<Record<string, readonly string[]>>
  /** Version of the glossary; absent: that of its list. */
  readonly since?: number
}

/** A list of words as the file of the glossary has it. */
export interface DefinedList {
  readonly title: string
  readonly definition: string
  readonly basis: readonly string[]
  readonly since: number
  readonly words: Readonly<Record<string, Definition>>
}

/** `schemas/glossary.json`. */
export interface GlossarySource {
  /** Goes up with every change of a definition. */
  readonly version: number
  /** By name of the word list, as policies know it. */
  readonly lists: Readonly<Record<string, DefinedList>>
  /** On what the fields of each record type rest. */
  readonly recordBasis: Readonly<Record<string, readonly string[]>>
}

export interface GlossaryWord {
  readonly word: string
  readonly definition: string
  readonly basis: readonly string[]
  readonly national?: Readonly<Record<string, readonly string[]>>
  readonly since: number
}

/** One list of words with its definitions. */
export interface GlossaryList {
  /** Of the list, or the field id whose codes it has. */
  readonly name: string
  readonly title: string
  readonly definition: string
  readonly basis: readonly string[]
  readonly since: number
  readonly words: readonly GlossaryWord[]
  /** The words of a list that are told by the list's definition alone. */
  readonly codes?: readonly string[]
}

export interface Glossary {
  readonly version: number
  readonly lists: readonly GlossaryList[]
}

/**
 * The glossary of this program's vocabulary and catalogue. Words whose meaning stands beside them in
 * the code or the catalogue (informants, categories, flags, record types, lists of codes) are taken
 * from there, so that there is one definition of each.
 */
export function buildGlossary(source: GlossarySource, catalogue: Catalogue): Glossary {
  const lists = Object.entries(source.lists).map(([name, { words, ...list }]) => ({
    name,
    ...list,
    words: Object.entries({ ...knownWords(name, source, catalogue), ...words }).map(
      ([word, { basis, since, ...rest }]) => ({
        word,
        ...rest,
        basis: basis ?? list.basis,
        since: since ?? list.since,
      }),
    ),
  }))
  const coded = catalogue.fields.flatMap((field) => listOfCodes(field, source))
  return { version: source.version, lists: [...lists, ...coded] }
}

function knownWords(
  name: string,
  source: GlossarySource,
  catalogue: Catalogue,
): Readonly<Record<string, Definition>> {
  switch (name) {
    case 'category':
      return meanings(CATEGORY_MEANINGS)
    case 'informant':
      return meanings(INFORMANT_MEANINGS)
    case 'flag':
      return meanings(
        Object.fromEntries(
          Object.entries(FLAG_DEFINITIONS).map(([flag, { meaning }]) => [flag, meaning]),
        ),
      )
    case 'record':
      return Object.fromEntries(
        catalogue.records.map(({ type, description }) => {
          const basis = source.recordBasis[type]
          return [type, { definition: description, ...(basis ? { basis } : {}) }]
        }),
      )
    default:
      return {}
  }
}

const meanings = (table: Readonly<Record<string, string>>): Record<string, Definition> =>
  Object.fromEntries(Object.entries(table).map(([word, definition]) => [word, { definition }]))

function listOfCodes(field: FieldDefinition, source: GlossarySource): GlossaryList[] {
  if (field.codes === null) return []
  const { id: name, title, description: definition, record } = field
  const basis = source.recordBasis[record] ?? []
  return [{ name, title, definition, basis, since: 1, words: [], codes: field.codes }]
}

/** What the glossary does not say, or says of something that is not there, in one sentence each. */
export function glossaryFaults(
  { lists }: Glossary,
  vocabulary: PolicyVocabulary,
  catalogue: Catalogue,
): string[] {
  const violence = catalogue.fieldsById['incident.violence_types']?.codes ?? []
  const wanted: Readonly<Record<string, readonly string[]>> = {
    ...vocabulary,
    violence_type: violence,
    wording: WORDING_CODES,
  }
  const byName = new Map(lists.map((list) => [list.name, list]))
  return [
    ...Object.entries(wanted).flatMap(([name, words]) => {
      const known = byName.get(name)?.words.map(({ word }) => word) ?? []
      return [
        ...words
          .filter((word) => !known.includes(word))
          .map((word) => `${name} ${word} is missing`),
        ...known
          .filter((word) => !words.includes(word))
          .map((word) => `${name} ${word} is unknown`),
      ]
    }),
    ...lists.flatMap(({ name, basis, words }) => [
      ...(basis.length > 0 ? [] : [`${name} rests on nothing`]),
      ...words
        .filter(({ definition }) => definition.length < 5)
        .map(({ word }) => `${name} ${word} is not defined`),
    ]),
  ]
}
