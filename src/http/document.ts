/** Reads the contract (`openapi.yaml`, split over files) into the two forms that the server needs. */
import { readFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { OpenAPIV3_1 } from 'openapi-types'
import { parse } from 'yaml'
import { resolveReferences } from './references.ts'

export interface Contract {
  /** In one piece: every `$ref` points inside. For clients and readers. */
  readonly bundled: OpenAPIV3_1.Document
  /** Without any `$ref`. For routes and validators. */
  readonly resolved: OpenAPIV3_1.Document
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/**
 * Loads a contract. Files that it refers to become schemas under `components`, named after the file
 * (`case-create.json` → `CaseCreate`); nothing is fetched from anywhere.
 * @throws {Error} when a file cannot be read, or two files would take one name
 */
export async function loadContract(path: string | URL): Promise<Contract> {
  const url = typeof path === 'string' ? pathToFileURL(path) : path
  const found = new Map<string, { readonly file: string; schema: Json }>()

  async function read(file: URL): Promise<Json> {
    const text = await readFile(file, 'utf8')
    // JSON is YAML too, but ten times faster to read as what it is.
    const parsed: unknown = extname(file.pathname) === '.json' ? JSON.parse(text) : parse(text)
    return inward(parsed as Json, file)
  }

  /** A copy in which references to files point to components; the files are read along the way. */
  async function inward(node: Json, file: URL): Promise<Json> {
    if (node === null || typeof node !== 'object') return node
    if (Array.isArray(node)) return Promise.all(node.map((item) => inward(item, file)))
    const entries = Object.entries(node).map(async ([name, value]) =>
      name === '$ref' && typeof value === 'string'
        ? [name, await componentFor(value, file)]
        : [name, await inward(value, file)],
    )
    return Object.fromEntries(await Promise.all(entries)) as { [name: string]: Json }
  }

  async function componentFor(reference: string, from: URL): Promise<string> {
    if (reference.startsWith('#')) {
      if (from.href === url.href) return reference
      throw new Error(`${basename(from.pathname)} refers into itself; give that part its own file`)
    }
    const file = new URL(reference, from)
    const name = componentName(file)
    const known = found.get(name)
    if (known && known.file !== file.href) throw new Error(`two files are both called ${name}`)
    if (!known) {
      const component = { file: file.href, schema: null as Json }
      found.set(name, component)
      const { $schema: _, ...schema } = (await read(file)) as { [name: string]: Json }
      component.schema = schema
    }
    return `#/components/schemas/${name}`
  }

  const document = (await read(url)) as unknown as OpenAPIV3_1.Document
  const schemas = [...found].map(([name, { schema }]) => [name, schema] as const)
  schemas.sort(([a], [b]) => (a < b ? -1 : 1))
  const bundled = {
    ...document,
    components: {
      ...document.components,
      schemas: { ...document.components?.schemas, ...Object.fromEntries(schemas) },
    },
  } as OpenAPIV3_1.Document
  return { bundled, resolved: resolveReferences(bundled) }
}

function componentName(file: URL): string {
  return basename(file.pathname, extname(file.pathname))
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}
