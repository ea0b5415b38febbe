import type { WordList } from './vocabulary.ts'

/**
 * What a part of a document may look like, as data: the reader, the name check and the JSON Schema
 * all walk the same shapes, so they cannot disagree.
 */
export type Shape =
  | TextShape
  | NameShape
  | ChoiceShape
  | FlagShape
  | NumberShape
  | SettingShape
  | ListShape
  | RecordShape
  | TableShape
  | EitherShape

/** Free text, or text of a pattern. `what` completes the sentence "this must be …". */
export interface TextShape {
  readonly type: 'text'
  readonly what: string
  readonly max: number
  readonly pattern?: string
  /** Whole numbers are taken as text: `led: [8, 9-1]` is natural to write. */
  readonly numbers?: boolean
  /** What kind of setting it is a text of, where a national setting may stand for it. */
  readonly setting?: 'duration' | 'country' | 'selector'
}

/** A word of the vocabulary; whether it exists is for `check`. */
export interface NameShape {
  readonly type: 'name'
  readonly list: WordList
}

/** A word that the grammar itself fixes. */
export interface ChoiceShape {
  readonly type: 'choice'
  readonly of: readonly string[]
}

/** A boolean; `only` when just one of the two makes sense. */
export interface FlagShape {
  readonly type: 'flag'
  readonly only?: boolean
}

/** A number within bounds; `whole` without a fraction. */
export interface NumberShape {
  readonly type: 'number'
  readonly min: number
  readonly max: number
  readonly whole?: boolean
}

/** Value of a setting: true or false, a number, a text, or a list of texts. Its type is told elsewhere. */
export interface SettingShape {
  readonly type: 'setting'
}

export interface ListShape {
  readonly type: 'list'
  readonly of: Shape
  readonly min: number
  /** The same word may stand in it several times; else, in a list of words, that is a fault. */
  readonly repeats?: boolean
}

/** Fixed keys. `min` keys must be there, for clauses that are senseless when empty. */
export interface RecordShape {
  readonly type: 'record'
  /** Name under `$defs` of the schema; absent: written in place. */
  readonly def?: string
  readonly required: Readonly<Record<string, Shape>>
  readonly optional: Readonly<Record<string, Shape>>
  readonly min: number
}

/** Free keys of a pattern. */
export interface TableShape {
  readonly type: 'table'
  readonly keys: TextShape
  readonly of: Shape
  readonly min: number
}

/** Told apart by what is written: a scalar, a list, or a mapping. */
export interface EitherShape {
  readonly type: 'either'
  readonly scalar?: Shape
  readonly list?: Shape
  readonly record?: Shape
}

export function text(what: string, max: number, pattern?: string): TextShape {
  return pattern === undefined ? { type: 'text', what, max } : { type: 'text', what, max, pattern }
}

export function name(list: WordList): NameShape {
  return { type: 'name', list }
}

export function choice(...of: readonly string[]): ChoiceShape {
  return { type: 'choice', of }
}

/** A list that is not empty unless `min` says so: an empty allow-list would be a silent nothing. */
export function list(of: Shape, min = 1): ListShape {
  return { type: 'list', of, min }
}

export function record(
  def: string | undefined,
  required: Readonly<Record<string, Shape>>,
  optional: Readonly<Record<string, Shape>> = {},
): RecordShape {
  const min = Math.max(1, Object.keys(required).length)
  return def === undefined
    ? { type: 'record', required, optional, min }
    : { type: 'record', def, required, optional, min }
}

/** Whether a shape is a single word or text. */
export function isScalarShape(shape: Shape): boolean {
  return shape.type === 'name' || shape.type === 'choice' || shape.type === 'text'
}
