import ts from 'typescript'

/**
 * The names of `watched` that a source text uses, each once: free identifiers (`process`), members (`Math.random`),
 * the keywords `async` and `await`, and `new Date()` without arguments. Comments, strings, types and the names of
 * members and parameters do not count; a use of a variable of such a name does.
 */
export function usedNames(text: string, watched: readonly string[]): string[] {
  const source = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, true)
  const used = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node)) return
    for (const name of namesOf(node)) used.add(name)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return watched.filter((name) => used.has(name))
}

function namesOf(node: ts.Node): string[] {
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return ['async']
  if (ts.isAwaitExpression(node)) return ['await']
  if (ts.isPropertyAccessExpression(node)) return [node.getText()]
  if (ts.isNewExpression(node) && !node.arguments?.length)
    return [`new ${node.expression.getText()}()`]
  return ts.isIdentifier(node) && !isOwnName(node) ? [node.text] : []
}

/** Whether an identifier names a member, a parameter or a declaration instead of reaching for something outside. */
function isOwnName(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node
  if (ts.isBindingElement(parent)) return parent.initializer !== node
  const named = parent as { name?: ts.Node; propertyName?: ts.Node }
  return named.name === node && !ts.isShorthandPropertyAssignment(parent)
}
