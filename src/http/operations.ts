import type { OpenAPIV3_1 } from 'openapi-types'

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const
export type Method = (typeof METHODS)[number]
export type Schema = Readonly<Record<string, unknown>>

/** One operation of the contract, read once at the start. */
export interface Operation {
  readonly id: string
  readonly method: Method
  /** Path with `{…}` for parameters. */
  readonly path: string
  /** Undefined for an operation that is open to everybody. */
  readonly scopes: readonly string[] | undefined
  /** Described in the contract, served outside of it (`x-external`). */
  readonly external: boolean
  readonly parameters: readonly OpenAPIV3_1.ParameterObject[]
  readonly body: RequestBody | undefined
  /** JSON schema by status; undefined where an answer has no JSON body. */
  readonly responses: ReadonlyMap<string, Schema | undefined>
}

export interface RequestBody {
  readonly required: boolean
  readonly types: readonly string[]
  readonly schema: Schema
}

/**
 * All operations of a contract without `$ref`.
 * @throws {Error} for one without operationId, or with more than one way to sign in
 */
export function operationsOf(document: OpenAPIV3_1.Document): Operation[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item?.[method]
      return operation && item ? [readOperation(document, path, item, method, operation)] : []
    }),
  )
}

/** Whether the operation cannot do without this request header. */
export function needsHeader({ parameters }: Operation, header: string): boolean {
  return parameters.some(({ in: where, name, required }) => {
    return where === 'header' && name === header && required === true
  })
}

/** Tells for a concrete path which methods the contract has for it, in upper case. */
export function makeMethodsAt(document: OpenAPIV3_1.Document): (path: string) => string[] {
  const templates = Object.entries(document.paths ?? {}).map(([template, item]) => ({
    form: new RegExp(`^${template.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
    methods: METHODS.filter((method) => item?.[method]).map((method) => method.toUpperCase()),
  }))
  return (path) => {
    const found = templates.filter(({ form }) => form.test(path)).flatMap(({ methods }) => methods)
    return [...new Set(found.includes('GET') ? [...found, 'HEAD'] : found)]
  }
}

function readOperation(
  document: OpenAPIV3_1.Document,
  path: string,
  item: OpenAPIV3_1.PathItemObject,
  method: Method,
  operation: OpenAPIV3_1.OperationObject,
): Operation {
  const { operationId: id, requestBody, responses = {} } = operation
  if (!id) throw new Error(`${method} ${path} has no operationId`)
  const [security, second] = operation.security ?? document.security ?? []
  if (second) throw new Error(`${id} has more than one way to sign in`)
  const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])]
  return {
    id,
    method,
    path,
    scopes: security && Object.values(security).flat(),
    external: (operation as { 'x-external'?: boolean })['x-external'] === true,
    parameters: parameters as OpenAPIV3_1.ParameterObject[],
    body: requestBody && readBody(requestBody as OpenAPIV3_1.RequestBodyObject),
    responses: new Map(
      Object.entries(responses).map(([status, response]) => [
        status,
        (response as OpenAPIV3_1.ResponseObject).content?.['application/json']?.schema as Schema,
      ]),
    ),
  }
}

function readBody({ required = false, content }: OpenAPIV3_1.RequestBodyObject): RequestBody {
  const [media] = Object.values(content)
  return { required, types: Object.keys(content), schema: (media?.schema ?? {}) as Schema }
}

/** Every scope that some operation asks for, sorted. */
export function scopesOf(document: OpenAPIV3_1.Document): string[] {
  return [...new Set(operationsOf(document).flatMap(({ scopes = [] }) => scopes))].sort()
}
