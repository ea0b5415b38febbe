type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/**
 * A copy of a document in which every `$ref` is replaced by what it points to (RFC 6901 pointers into
 * the document itself, `#/…`). Members that stand beside a `$ref` are kept and win, as OpenAPI 3.1 has
 * it for descriptions. One target is one object, however often it is referred to.
 *
 * @throws {Error} for a reference that points nowhere, outside, or to something that contains it
 */
export function resolveReferences<Document extends object>(document: Document): Document {
  const targets = new Map<string, Json>()
  const underWay = new Set<string>()

  function targetOf(reference: string): Json {
    const known = targets.get(reference)
    if (known !== undefined) return known
    if (underWay.has(reference)) throw new Error(`${reference} contains itself`)
    underWay.add(reference)
    const target = inside(pointedTo(document as unknown as Json, reference))
    underWay.delete(reference)
    targets.set(reference, target)
    return target
  }

  function inside(node: Json): Json {
    if (typeof node !== 'object' || node === null) return node
    if (Array.isArray(node)) return node.map(inside)
    const { $ref, ...others } = node as { readonly [name: string]: Json }
    if (typeof $ref !== 'string') return eachMember(node as { readonly [name: string]: Json })
    const target = targetOf($ref)
    if (Object.keys(others).length === 0) return target
    return { ...(target as object), ...eachMember(others) }
  }

  const eachMember = (members: { readonly [name: string]: Json }) =>
    Object.fromEntries(Object.entries(members).map(([name, value]) => [name, inside(value)]))

  return inside(document as unknown as Json) as unknown as Document
}

function pointedTo(document: Json, reference: string): Json {
  if (!reference.startsWith('#/')) throw new Error(`${reference} points outside of the document`)
  let node: Json | undefined = document
  for (const step of reference.slice(2).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    const members = node as { readonly [name: string]: Json } | null
    node =
      typeof members === 'object' && members !== null && Object.hasOwn(members, name)
        ? members[name]
        : undefined
    if (node === undefined) throw new Error(`${reference} points nowhere`)
  }
  return node
}
