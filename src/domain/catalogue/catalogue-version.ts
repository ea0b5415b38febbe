/**
 * A catalogue as data, to be kept: recorded facts name fields by their index, which means something in
 * the catalogue of their time alone.
 */
import { canonicalize, type Json } from '../log/canonical.ts'
import { sha256 } from '../log/hash.ts'
import { catalogueOf } from './catalogue.ts'
import type { Catalogue, RecordDefinition } from './types.ts'

/** Everything of a catalogue that a decision may ask about; not the schemas that deposits are held to. */
export function describeCatalogue({ records }: Catalogue): Json {
  return records.map(({ type, title, subjects, fields }) => ({
    type,
    title,
    subjects,
    fields,
  })) as unknown as Json
}

/** `sha256:` and hexadecimal, over the canonical JSON of a description. */
export function catalogueHash(description: Json): string {
  const text = canonicalize(description)
  return `sha256:${Buffer.from(sha256(new TextEncoder().encode(text))).toString('hex')}`
}

/** The catalogue of a description, with the same indexes. Nothing can be deposited by it. */
export function restoreCatalogue(description: Json): Catalogue {
  const records = description as unknown as Pick<
    RecordDefinition,
    'type' | 'title' | 'subjects' | 'fields'
  >[]
  return catalogueOf(
    records.map((record) => ({ ...record, description: '', schema: Object.freeze({}) })),
  )
}
