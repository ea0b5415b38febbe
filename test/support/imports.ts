import { type ICruiseResult, type IDependency, cruise } from 'dependency-cruiser'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'

/** One import as a file states it. */
export interface Import {
  /** The file, relative to the root of the graph. */
  readonly from: string
  /** A file of the graph (`domain/log/hash.ts`), a package (`@fastify/jwt`), a builtin without `node:`, or text that led nowhere. */
  readonly to: string
  readonly kind: 'file' | 'package' | 'builtin' | 'unknown'
  /** Erased before it runs (`import type`). What is imported in both ways counts as run. */
  readonly typeOnly: boolean
}

/** All TypeScript files of a folder, and what they import. */
export interface ImportGraph {
  readonly files: readonly string[]
  readonly imports: readonly Import[]
}

/**
 * Reads the imports of every TypeScript file under a folder, dynamic ones and re-exports included.
 *
 * `tsConfig` decides what is erased: under `verbatimModuleSyntax`, as in type stripping, only `import type` and
 * `export type` are, and `import { type T }` still runs the other file.
 *
 * @throws Error when there is no file, because a check over nothing would pass.
 */
export async function readImports(folder: string, tsConfig: string): Promise<ImportGraph> {
  const { output } = await cruise(
    ['.'],
    { baseDir: folder, tsPreCompilationDeps: 'specify', doNotFollow: { path: 'node_modules' } },
    undefined,
    { tsConfig: extractTSConfig(tsConfig) },
  )
  const modules = (output as ICruiseResult).modules.filter(
    ({ source, couldNotResolve }) => /\.[mc]?tsx?$/.test(source) && !couldNotResolve,
  )
  const own = modules.filter(({ source }) => !source.includes('node_modules/'))
  if (own.length === 0) throw new Error(`no TypeScript file under ${folder}`)
  return {
    files: own.map(({ source }) => source).sort(),
    imports: own.flatMap(({ source, dependencies }) =>
      dependencies.map((dependency) => toImport(source, dependency)),
    ),
  }
}

function toImport(from: string, dependency: IDependency): Import {
  const { module, resolved, dependencyTypes, couldNotResolve } = dependency
  const typeOnly = dependency.preCompilationOnly === true
  if (couldNotResolve) return { from, to: module, kind: 'unknown', typeOnly }
  if (dependencyTypes.includes('core')) {
    return { from, to: module.replace('node:', ''), kind: 'builtin', typeOnly }
  }
  if (module.startsWith('.')) return { from, to: resolved, kind: 'file', typeOnly }
  const name = module.split('/', module.startsWith('@') ? 2 : 1).join('/')
  return { from, to: name, kind: 'package', typeOnly }
}
