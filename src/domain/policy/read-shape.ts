import { type Fault, type FaultCode, type Place, pointerTo } from './fault.ts'
import { nearestName } from '../catalogue/edit-distance.ts'
import { isReference, settingTypeOf } from './setting-types.ts'
import {
  type EitherShape,
  isScalarShape,
  type ListShape,
  type NumberShape,
  type RecordShape,
  type Shape,
  type TableShape,
  text,
  type TextShape,
} from './shape.ts'

/** A document before anything is known about its shape; the same from YAML and from JSON. */
export type DocumentNode = ScalarNode | ListNode | MapNode

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | null
  readonly place?: Place
  /** Reported already; whatever it should have been, it is not looked at again. */
  readonly refused?: true
}

export interface ListNode {
  readonly kind: 'list'
  readonly items: readonly DocumentNode[]
  readonly place?: Place
}

export interface MapNode {
  readonly kind: 'map'
  readonly entries: readonly {
    readonly key: string
    readonly place?: Place
    readonly value: DocumentNode
  }[]
  readonly place?: Place
}

/** Gathers every fault, and where each part was written. */
export interface Reading {
  readonly faults: Fault[]
  readonly places: Map<string, Place>
  readonly file?: string
  /** `$name` may stand where a setting fits; kept as it is, for `resolvePack`. */
  readonly references?: true
}

/** Adds a fault at a pointer, with the place known for it. */
export function addFault(
  reading: Reading,
  code: FaultCode,
  pointer: string,
  message: string,
  more: { place?: Place | undefined; nearest?: string | undefined } = {},
): void {
  reading.faults.push({
    code,
    message,
    pointer,
    ...(reading.file === undefined ? {} : { file: reading.file }),
    ...(more.place === undefined ? {} : { place: more.place }),
    ...(more.nearest === undefined ? {} : { nearest: more.nearest }),
  })
}

/**
 * Turns a node into the plain value that its shape promises. What does not fit is left out and
 * reported, so the value may be trusted only when `reading.faults` has stayed empty.
 */
export function readShape(
  node: DocumentNode,
  shape: Shape,
  pointer: string,
  into: Reading,
): unknown {
  if (node.place) into.places.set(pointer, node.place)
  if (node.kind === 'scalar' && node.refused) return undefined
  if (into.references && node.kind === 'scalar' && isReference(node.value)) {
    if (settingTypeOf(shape)) return node.value
  }
  switch (shape.type) {
    case 'record':
      return readRecord(node, shape, pointer, into)
    case 'table':
      return readTable(node, shape, pointer, into)
    case 'list':
      return readList(node, shape, pointer, into)
    case 'either':
      return readEither(node, shape, pointer, into)
    case 'number':
      return readNumber(node, shape, pointer, into)
    case 'setting':
      return readSetting(node, pointer, into)
    default:
      return readScalar(node, shape, pointer, into)
  }
}

function readRecord(
  node: DocumentNode,
  shape: RecordShape,
  pointer: string,
  into: Reading,
): unknown {
  if (node.kind !== 'map') return wrongType(node, 'a mapping', pointer, into)
  const result: Record<string, unknown> = {}
  const shapes = new Map([...Object.entries(shape.required), ...Object.entries(shape.optional)])
  for (const { key, place, value } of node.entries) {
    const at = pointerTo(pointer, key)
    const part = shapes.get(key)
    if (!part) {
      const hint = nearestName(key, shapes.keys()) ?? undefined
      addFault(into, 'unknown_key', at, `unknown key \`${key}\``, { place, nearest: hint })
    } else {
      result[key] = readShape(value, part, at, into)
      // A fault about a key's content is best shown where the key stands.
      if (place && value.kind !== 'scalar') into.places.set(at, place)
    }
  }
  for (const key of Object.keys(shape.required)) {
    if (node.entries.some((entry) => entry.key === key)) continue
    addFault(into, 'missing_key', pointer, `key \`${key}\` is missing`, { place: node.place })
  }
  if (node.entries.length === 0 && shape.min > 0 && Object.keys(shape.required).length === 0) {
    addFault(into, 'bad_value', pointer, 'an empty mapping says nothing', { place: node.place })
  }
  return result
}

function readTable(node: DocumentNode, shape: TableShape, pointer: string, into: Reading): unknown {
  if (node.kind !== 'map') return wrongType(node, 'a mapping', pointer, into)
  const result: Record<string, unknown> = {}
  const keys = new RegExp(shape.keys.pattern ?? '', 'u')
  for (const { key, place, value } of node.entries) {
    const at = pointerTo(pointer, key)
    if (key.length > shape.keys.max || !keys.test(key)) {
      addFault(into, 'bad_value', at, `the key must be ${shape.keys.what}`, { place })
    }
    Object.defineProperty(result, key, {
      value: readShape(value, shape.of, at, into),
      enumerable: true,
      configurable: true,
    })
    if (place && value.kind !== 'scalar') into.places.set(at, place)
  }
  if (node.entries.length < shape.min) {
    addFault(into, 'bad_value', pointer, 'an empty mapping says nothing', { place: node.place })
  }
  return result
}

function readList(node: DocumentNode, shape: ListShape, pointer: string, into: Reading): unknown {
  if (node.kind !== 'list') return wrongType(node, 'a list', pointer, into)
  if (node.items.length < shape.min) {
    addFault(into, 'bad_value', pointer, 'the list must not be empty', { place: node.place })
  }
  const unique = isScalarShape(shape.of) && !shape.repeats
  const seen = new Set<string>()
  return node.items.map((item, index) => {
    const at = pointerTo(pointer, index)
    const value = readShape(item, shape.of, at, into)
    if (unique && typeof value === 'string') {
      if (seen.has(value)) {
        addFault(into, 'bad_value', at, `\`${value}\` stands here twice`, { place: item.place })
      }
      seen.add(value)
    }
    return value
  })
}

const EITHER = { scalar: 'scalar', list: 'list', map: 'record' } as const
const EITHER_WORD = { scalar: 'a word', list: 'a list', record: 'a mapping' } as const

function readEither(
  node: DocumentNode,
  shape: EitherShape,
  pointer: string,
  into: Reading,
): unknown {
  const part = shape[EITHER[node.kind]]
  if (part) return readShape(node, part, pointer, into)
  const forms = (['scalar', 'list', 'record'] as const).filter((form) => shape[form])
  return wrongType(node, forms.map((form) => EITHER_WORD[form]).join(' or '), pointer, into)
}

function readNumber(
  node: DocumentNode,
  { min, max, whole }: NumberShape,
  pointer: string,
  into: Reading,
): unknown {
  const value = node.kind === 'scalar' ? node.value : undefined
  const wanted = whole ? 'a whole number' : 'a number'
  if (typeof value !== 'number' || !Number.isFinite(value) || (whole && !Number.isInteger(value))) {
    return wrongType(node, wanted, pointer, into)
  }
  if (value < min || value > max) {
    const message = `this must be ${wanted} from ${min} to ${max}`
    addFault(into, 'bad_value', pointer, message, { place: node.place })
  }
  return value
}

/** Longest list, and longest text, that a setting may have. */
export const MAX_SETTING_ITEMS = 200
export const MAX_SETTING_TEXT = 300

function readSetting(node: DocumentNode, pointer: string, into: Reading): unknown {
  const wanted = 'true or false, a number, a text or a list of texts'
  if (node.kind === 'map') return wrongType(node, wanted, pointer, into)
  if (node.kind === 'scalar') {
    if (node.value === null || node.value === '') return wrongType(node, wanted, pointer, into)
    if (typeof node.value === 'string' && [...node.value].length > MAX_SETTING_TEXT) {
      const message = `longer than ${MAX_SETTING_TEXT} characters`
      addFault(into, 'bad_value', pointer, message, { place: node.place })
    }
    return node.value
  }
  if (node.items.length > MAX_SETTING_ITEMS) {
    const message = `more than ${MAX_SETTING_ITEMS} items`
    addFault(into, 'bad_value', pointer, message, { place: node.place })
    return undefined
  }
  return readList(
    node,
    { type: 'list', of: text('a text', MAX_SETTING_TEXT), min: 1 },
    pointer,
    into,
  )
}

type ScalarShape = Exclude<
  Shape,
  { type: 'record' | 'table' | 'list' | 'either' | 'number' | 'setting' }
>

function readScalar(
  node: DocumentNode,
  shape: ScalarShape,
  pointer: string,
  into: Reading,
): unknown {
  if (shape.type === 'flag') {
    if (node.kind !== 'scalar' || typeof node.value !== 'boolean') {
      return wrongType(node, 'true or false', pointer, into)
    }
    if (shape.only !== undefined && node.value !== shape.only) {
      addFault(into, 'bad_value', pointer, `this can only be ${shape.only}`, { place: node.place })
    }
    return node.value
  }
  if (shape.type === 'text') return readText(node, shape, pointer, into)

  if (node.kind !== 'scalar' || typeof node.value !== 'string') {
    return wrongType(node, 'a word', pointer, into)
  }
  if (shape.type === 'choice' && !shape.of.includes(node.value)) {
    const message = `\`${clip(node.value)}\` is not one of ${shape.of.map((word) => `\`${word}\``).join(', ')}`
    const hint = nearestName(node.value, shape.of) ?? undefined
    addFault(into, 'bad_value', pointer, message, { place: node.place, nearest: hint })
  }
  return node.value
}

function readText(node: DocumentNode, shape: TextShape, pointer: string, into: Reading): unknown {
  const isNumber = shape.numbers && node.kind === 'scalar' && Number.isSafeInteger(node.value)
  if (node.kind !== 'scalar' || (typeof node.value !== 'string' && !isNumber)) {
    return wrongType(node, shape.what, pointer, into)
  }
  const value = String(node.value)
  if ([...value].length > shape.max) {
    addFault(into, 'bad_value', pointer, `longer than ${shape.max} characters`, {
      place: node.place,
    })
  } else if (value.trim() === '') {
    addFault(into, 'bad_value', pointer, 'the text is empty', { place: node.place })
  } else if (shape.pattern !== undefined && !new RegExp(shape.pattern, 'u').test(value)) {
    const message = `\`${clip(value)}\` is not ${shape.what}`
    addFault(into, 'bad_value', pointer, message, { place: node.place })
  }
  return value
}

function wrongType(node: DocumentNode, wanted: string, pointer: string, into: Reading): undefined {
  addFault(into, 'wrong_type', pointer, `this must be ${wanted}`, { place: node.place })
  return undefined
}

function clip(word: string): string {
  return word.length > 60 ? `${word.slice(0, 60)}…` : word
}
