import type { FolderRule } from '../architecture.rules.ts'
import type { Import, ImportGraph } from './imports.ts'

/** The table and its exceptions, as in `architecture.rules.ts`. */
export interface ImportRules {
  readonly folders: Readonly<Record<string, FolderRule>>
  readonly files: Readonly<Record<string, Partial<FolderRule>>>
  readonly open: readonly string[]
  /** Packages that are installed for production too; others may lend types alone. */
  readonly packages: readonly string[]
}

/** Every import that the table forbids, in one sentence each. */
export function forbiddenImports({ files, imports }: ImportGraph, rules: ImportRules): string[] {
  const homeless = files
    .filter((file) => !(homeOf(file) in rules.folders))
    .map((file) => `${file}: there is no rule for \`${homeOf(file)}\``)
  const faults = imports.flatMap((stated) => {
    const fault = faultOf(stated, rules)
    const how = stated.typeOnly ? 'imports the type of' : 'imports'
    return fault === undefined ? [] : [`${stated.from} ${how} ${stated.to}: ${fault}`]
  })
  return [...homeless, ...faults].sort()
}

function faultOf(stated: Import, rules: ImportRules): string | undefined {
  const { from, to, kind, typeOnly } = stated
  const folder = rules.folders[homeOf(from)]
  const file = rules.files[from]
  const allows = (list: 'runs' | 'types' | 'npm' | 'node', name: string) =>
    [folder?.[list], file?.[list]].some((names) => names === 'all' || names?.includes(name))

  switch (kind) {
    case 'unknown':
      return 'it is not there'
    case 'builtin':
      return allows('node', to) ? undefined : 'builtin not in the table'
    case 'package':
      if (!allows('npm', to)) return 'package not in the table'
      if (typeOnly || rules.packages.includes(to)) return undefined
      return 'package is installed for development only'
    case 'file':
      if (to.includes('.generated.') && dirOf(to) !== dirOf(from)) {
        return 'generated files are their own folder’s'
      }
      if (homeOf(from) === homeOf(to) || rules.open.includes(to)) return undefined
      if (allows('runs', homeOf(to)) || (typeOnly && allows('types', homeOf(to)))) return undefined
      return typeOnly || !allows('types', homeOf(to)) ? 'not in the table' : 'only types may cross'
  }
}

/** First folder of a path, or the file itself where it lies at the top. */
function homeOf(path: string): string {
  return path.split('/')[0]!
}

function dirOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}

/**
 * Cycles of imports at run time, each as a sorted list of its members (strongly connected ones, Tarjan 1972).
 * `group` maps a file to what is looked at: itself, or its folder; undefined leaves it out.
 */
export function runTimeCycles(
  { imports }: ImportGraph,
  group: (file: string) => string | undefined = (file) => file,
): string[][] {
  const targets = new Map<string, Set<string>>()
  for (const { from, to, kind, typeOnly } of imports) {
    const [source, target] = [group(from), group(to)]
    if (kind !== 'file' || typeOnly || source === undefined || target === undefined) continue
    // Within a group anything goes; but a file that imports itself is a cycle.
    if (source === target && from !== to) continue
    targets.set(source, (targets.get(source) ?? new Set()).add(target))
  }
  return stronglyConnected(targets).filter(
    (members) => members.length > 1 || targets.get(members[0]!)?.has(members[0]!),
  )
}

function stronglyConnected(targets: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const open: string[] = []
  const components: string[][] = []
  const visit = (node: string): void => {
    order.set(node, order.size)
    lowest.set(node, order.get(node)!)
    open.push(node)
    for (const next of targets.get(node) ?? []) {
      if (!order.has(next)) visit(next)
      else if (!open.includes(next)) continue
      lowest.set(node, Math.min(lowest.get(node)!, lowest.get(next)!))
    }
    if (lowest.get(node) !== order.get(node)) return
    components.push(open.splice(open.indexOf(node)).sort())
  }
  for (const node of targets.keys()) if (!order.has(node)) visit(node)
  return components
}

/** Files that no entry point reaches, not even for a type. */
export function unreachableFiles(
  { files, imports }: ImportGraph,
  entryPoints: readonly string[],
): string[] {
  const reached = new Set(entryPoints.filter((file) => files.includes(file)))
  for (const file of reached) {
    for (const { from, to, kind } of imports) if (from === file && kind === 'file') reached.add(to)
  }
  return files.filter((file) => !reached.has(file))
}
