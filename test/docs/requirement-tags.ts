import ts from 'typescript'
import { parse } from 'yaml'

/** A test that claims to show requirements: its title ends in a tag such as `[R24]` or `[R24, R31]`. */
export interface Claim {
  readonly file: string
  /** Without the tag. */
  readonly title: string
  readonly requirements: readonly string[]
}

export interface Claims {
  readonly claims: readonly Claim[]
  /** Tags that claim nothing, because they stand in no title of a test. */
  readonly faults: readonly string[]
}

const TAG = / ?\[(R\d+(?:, R\d+)*)\]/g

/** Members that hold the title of a test in data, be it TypeScript or YAML. */
const TITLES = ['case', 'name', 'scenario', 'title']

/** Finds the tags in the text of a test file, `.ts` or `.yaml`. */
export function findClaims(file: string, text: string): Claims {
  const titles = file.endsWith('.ts') ? titlesInCode(text) : titlesInData(parse(text))
  const claims = titles
    .filter((title) => tagsIn(title).length > 0)
    .map((title) => ({
      file,
      title: title.replace(TAG, ''),
      requirements: tagsIn(title).flatMap((tag) => tag.split(', ')),
    }))
  const lost = tagsIn(text).length - titles.flatMap(tagsIn).length
  return {
    claims,
    faults: lost === 0 ? [] : [`${file}: ${lost} tag(s) outside the titles of tests`],
  }
}

function tagsIn(text: string): string[] {
  return [...text.matchAll(TAG)].map(([, names]) => names!)
}

/** First arguments of `t.test(…)` and values of members such as `name: '…'`. */
function titlesInCode(text: string): string[] {
  const titles: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) && isTitle(node)) titles.push(node.text)
    if (ts.isTemplateExpression(node) && isTitle(node)) titles.push(node.getText().slice(1, -1))
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, true))
  return titles
}

function isTitle(node: ts.Node): boolean {
  const { parent } = node
  if (ts.isPropertyAssignment(parent)) return TITLES.includes(parent.name.getText())
  return (
    ts.isCallExpression(parent) &&
    /\btest$/.test(parent.expression.getText()) &&
    parent.arguments[0] === node
  )
}

function titlesInData(data: unknown): string[] {
  if (typeof data !== 'object' || data === null) return []
  return Object.entries(data).flatMap(([key, value]) =>
    typeof value === 'string' ? (TITLES.includes(key) ? [value] : []) : titlesInData(value),
  )
}
