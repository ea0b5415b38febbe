import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  parseAllDocuments,
  type Document,
} from 'yaml'

import type { PolicyDocument } from './document.ts'
import type { Place } from './fault.ts'
import { POLICY_SHAPE } from './grammar.ts'
import type { ParseResult } from './parsed.ts'
import { addFault, type DocumentNode, type Reading, readShape } from './read-shape.ts'
import { SHAPE_OF_KIND } from './settings-grammar.ts'
import type { DocumentKind, PackDocument } from './settings.ts'
import type { Shape } from './shape.ts'
import type { PolicySuite } from './suite.ts'
import { SUITE_SHAPE } from './suite-grammar.ts'

/** Larger texts are refused before they are looked at. */
export const MAX_DOCUMENT_BYTES = 256 * 1024

/** The densest policies have two words or signs, spaces among them, to five bytes; a text of full size has fewer than this. */
const MAX_TOKENS = 120_000

/** Nothing in the grammar goes deeper than 8. */
const MAX_DEPTH = 24

/** After so many faults the rest would not be read anyway. */
const MAX_FAULTS = 200

/**
 * Reads one policy document: YAML 1.2 text, or the same already parsed from JSON. Reports every fault
 * of shape at once; whether names exist and rules make sense is for `check`.
 *
 * YAML that says one thing in two places, or needs more than a reader's eye, is refused: aliases,
 * anchors, tags, directives, duplicate keys, several documents in one text.
 *
 * @param file name to show in faults
 */
export function parsePolicy(input: unknown, file?: string): ParseResult<PolicyDocument> {
  return parseAs<PolicyDocument>(input, POLICY_SHAPE, file)
}

/**
 * Reads one document of a pack, of whatever kind: the first of the keys `policy`, `settings` and
 * `profile` tells. In policy documents `$name` may stand for a setting; see `resolvePack`.
 */
export function parseDocument(input: unknown, file?: string): ParseResult<PackDocument> {
  return parseAs<PackDocument>(input, shapeOfKind, file, true)
}

/** Reads one suite of policy tests in the same way. */
export function parseSuite(input: unknown, file?: string): ParseResult<PolicySuite> {
  return parseAs<PolicySuite>(input, SUITE_SHAPE, file)
}

/** `T` must be what the shape describes. */
function parseAs<T>(
  input: unknown,
  shape: Shape | ((node: DocumentNode) => Shape),
  file?: string,
  references = false,
): ParseResult<T> {
  const places = new Map<string, Place>()
  const reading: Reading = {
    faults: [],
    places,
    ...(file === undefined ? {} : { file }),
    ...(references ? { references } : {}),
  }
  const node = typeof input === 'string' ? nodeOfText(input, reading) : nodeOfJson(input, reading)
  const wanted = node && typeof shape === 'function' ? shape(node) : (shape as Shape)
  const document = node && readShape(node, wanted, '', reading)
  if (reading.faults.length > 0) return { ok: false, faults: reading.faults.slice(0, MAX_FAULTS) }
  return {
    ok: true,
    parsed: { document: document as T, places, ...(file === undefined ? {} : { file }) },
  }
}

function shapeOfKind(node: DocumentNode): Shape {
  const keys = node.kind === 'map' ? node.entries.map(({ key }) => key) : []
  const kind = keys.find((key): key is DocumentKind => Object.hasOwn(SHAPE_OF_KIND, key))
  return SHAPE_OF_KIND[kind ?? 'policy']
}

function nodeOfText(text: string, reading: Reading): DocumentNode | undefined {
  if (isTooLong(text)) {
    addFault(reading, 'too_large', '', `longer than ${MAX_DOCUMENT_BYTES} bytes`)
    return undefined
  }
  if (hasTooManyTokens(text)) {
    addFault(reading, 'too_large', '', `more than ${MAX_TOKENS} words and signs`)
    return undefined
  }
  const lines = new LineCounter()
  // uniqueKeys is quadratic in the library; the walk below finds duplicates in linear time.
  const documents = parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    logLevel: 'silent',
    lineCounter: lines,
  })
  const walk = new YamlWalk(lines, reading)
  const [document, second] = Array.isArray(documents) ? documents : []
  if (!document?.contents) {
    if (document) walk.yamlFaults(document)
    if (reading.faults.length === 0) addFault(reading, 'syntax', '', 'the document is empty')
    return undefined
  }
  walk.yamlFaults(document)
  if (second) {
    const place = walk.place(second.contents)
    addFault(reading, 'not_allowed', '', 'one text holds one document', { place })
  }
  // After an error of syntax the tree is a guess; what it would show might not be there.
  if (reading.faults.some((fault) => fault.code === 'syntax')) return undefined
  return walk.node(document.contents, '', 0)
}

/** By characters first, of which no text has more than bytes: what is far too long is not even copied. */
function isTooLong(text: string): boolean {
  if (text.length > MAX_DOCUMENT_BYTES) return true
  return new TextEncoder().encode(text).length > MAX_DOCUMENT_BYTES
}

/** The library makes objects for every token, and an error with its stack for many a wrong one. */
function hasTooManyTokens(text: string): boolean {
  let tokens = 0
  for (const _ of new Lexer().lex(text)) if (++tokens > MAX_TOKENS) return true
  return false
}

/** Copies the library's tree into ours, refusing what the language does not need. */
class YamlWalk {
  readonly #lines: LineCounter
  readonly #reading: Reading

  constructor(lines: LineCounter, reading: Reading) {
    this.#lines = lines
    this.#reading = reading
  }

  place(node: unknown): Place | undefined {
    const range = (node as { range?: readonly number[] | null } | null)?.range
    return range ? this.#at(range[0] ?? 0) : undefined
  }

  #at(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }

  yamlFaults(document: Document.Parsed): void {
    for (const error of [...document.errors, ...document.warnings].slice(0, MAX_FAULTS)) {
      const place = this.#at(error.pos[0])
      if (error.code === 'TAG_RESOLVE_FAILED') continue // reported by the walk, as a tag
      const message = error.message.split('\n', 1)[0] ?? 'not YAML'
      if (error.code === 'RESOURCE_EXHAUSTION') {
        addFault(this.#reading, 'too_deep', '', 'nested too deeply', { place })
        addFault(this.#reading, 'syntax', '', 'the document could not be read', { place })
        return
      }
      addFault(this.#reading, 'syntax', '', message.toLowerCase(), { place })
    }
    const directives = document.directives
    if (directives?.yaml.explicit || Object.keys(directives?.tags ?? {}).length > 1) {
      addFault(this.#reading, 'not_allowed', '', 'directives are not allowed')
    }
  }

  node(node: unknown, pointer: string, depth: number): DocumentNode {
    const place = this.place(node)
    const at = place ? { place } : {}
    if (depth > MAX_DEPTH) {
      addFault(this.#reading, 'too_deep', pointer, 'nested too deeply', at)
      return { kind: 'scalar', value: null, refused: true, ...at }
    }
    this.#refuseIndirection(node, pointer, at)
    if (isMap(node)) {
      const seen = new Set<string>()
      const entries = node.items.map((pair) => {
        const key = this.#key(pair.key, pointer, seen)
        const child = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
        const keyPlace = this.place(pair.key)
        const value: DocumentNode = pair.value
          ? this.node(pair.value, child, depth + 1)
          : { kind: 'scalar', value: null, ...(keyPlace ? { place: keyPlace } : {}) }
        return { key, value, ...(keyPlace ? { place: keyPlace } : {}) }
      })
      return { kind: 'map', entries, ...at }
    }
    if (isSeq(node)) {
      const items = node.items.map((item, i) => this.node(item, `${pointer}/${i}`, depth + 1))
      return { kind: 'list', items, ...at }
    }
    if (isAlias(node)) return { kind: 'scalar', value: null, refused: true, ...at }
    const value = isScalar(node) ? node.value : null
    return { kind: 'scalar', value: isPlain(value) ? value : null, ...at }
  }

  #refuseIndirection(node: unknown, pointer: string, at: { place?: Place }): void {
    if (isAlias(node)) {
      addFault(this.#reading, 'not_allowed', pointer, 'aliases are not allowed', at)
    } else if (isMap(node) || isSeq(node) || isScalar(node)) {
      if (node.anchor)
        addFault(this.#reading, 'not_allowed', pointer, 'anchors are not allowed', at)
      if (node.tag) addFault(this.#reading, 'not_allowed', pointer, 'tags are not allowed', at)
    }
  }

  #key(node: unknown, pointer: string, seen: Set<string>): string {
    const place = this.place(node)
    const at = place ? { place } : {}
    this.#refuseIndirection(node, pointer, at)
    if (!isScalar(node) || typeof node.value !== 'string') {
      addFault(this.#reading, 'wrong_type', pointer, 'a key must be a word', at)
      return ''
    }
    if (seen.has(node.value)) {
      const message = `key \`${node.value.slice(0, 60)}\` stands here twice`
      addFault(this.#reading, 'duplicate_key', pointer, message, at)
    }
    seen.add(node.value)
    return node.value
  }
}

function isPlain(value: unknown): value is string | number | boolean | null {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

/** Of plain JSON; adds a fault where it is too long, too deep or no JSON. */
export function nodeOfJson(input: unknown, reading: Reading): DocumentNode | undefined {
  const budget = { left: MAX_DOCUMENT_BYTES }
  const node = jsonNode(input, '', 0, budget, reading)
  if (budget.left >= 0) return node
  addFault(reading, 'too_large', '', `longer than ${MAX_DOCUMENT_BYTES} bytes`)
  return undefined
}

function jsonNode(
  value: unknown,
  pointer: string,
  depth: number,
  budget: { left: number },
  reading: Reading,
): DocumentNode {
  budget.left -= typeof value === 'string' ? value.length + 2 : 2
  if (budget.left < 0) return { kind: 'scalar', value: null, refused: true }
  if (depth > MAX_DEPTH) {
    addFault(reading, 'too_deep', pointer, 'nested too deeply')
    return { kind: 'scalar', value: null, refused: true }
  }
  if (isPlain(value)) return { kind: 'scalar', value }
  if (Array.isArray(value)) {
    const items = value.map((item: unknown, i) =>
      jsonNode(item, `${pointer}/${i}`, depth + 1, budget, reading),
    )
    return { kind: 'list', items }
  }
  if (typeof value === 'object') {
    const entries = Object.entries(value as object).map(([key, item]: [string, unknown]) => {
      budget.left -= key.length
      const child = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
      return { key, value: jsonNode(item, child, depth + 1, budget, reading) }
    })
    return { kind: 'map', entries }
  }
  addFault(reading, 'wrong_type', pointer, 'this is not JSON')
  return { kind: 'scalar', value: null, refused: true }
}
