import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import {
  ENTRY_POINTS,
  FILES,
  FOLDERS,
  IMPURE,
  LONGEST_FILE,
  OPEN,
  READS_ENVIRONMENT,
  UNREACHED,
} from './architecture.rules.ts'
import { usedNames } from './support/impure-code.ts'
import { forbiddenImports, runTimeCycles, unreachableFiles } from './support/import-rules.ts'
import { readImports } from './support/imports.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsConfig = `${root}tsconfig.json`
const manifest = JSON.parse(await readFile(`${root}package.json`, 'utf8')) as {
  dependencies: Record<string, string>
}

t.test('src keeps to the table of architecture.rules.ts', async (t) => {
  const graph = await readImports(`${root}src`, tsConfig)
  const texts = await Promise.all(
    graph.files.map(async (file) => ({ file, text: await readFile(`${root}src/${file}`, 'utf8') })),
  )

  t.same(
    forbiddenImports(graph, {
      folders: FOLDERS,
      files: FILES,
      open: OPEN,
      packages: Object.keys(manifest.dependencies),
    }),
    [],
    'nobody imports what the table does not give',
  )
  t.same(runTimeCycles(graph), [], 'no files import each other in a circle at run time')
  t.same(runTimeCycles(graph, domainFolder), [], 'nor do the folders of the domain')
  t.same(
    unreachableFiles(graph, ENTRY_POINTS),
    Object.keys(UNREACHED),
    'no file is left that no program uses',
  )

  const domain = texts.filter(({ file }) => file.startsWith('domain/'))
  t.ok(domain.length > 10)
  t.same(
    domain.flatMap(({ file, text }) => usedNames(text, IMPURE).map((name) => `${file}: ${name}`)),
    [],
    'the domain is pure and synchronous',
  )
  t.same(
    texts.filter(({ text }) => usedNames(text, ['process.env']).length > 0).map(({ file }) => file),
    [READS_ENVIRONMENT],
    'one file reads the environment',
  )
  t.same(
    texts
      .filter(({ file }) => !file.includes('.generated.'))
      .map(({ file, text }) => ({ file, lines: text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > LONGEST_FILE),
    [],
    `no file is longer than ${LONGEST_FILE} lines`,
  )
})

/** `domain/policy` of a file in it; undefined elsewhere. */
function domainFolder(file: string): string | undefined {
  return /^domain\/[^/]+(?=\/)/.exec(file)?.[0]
}

t.test('the check itself finds what is planted', async (t) => {
  const planted = {
    domain: {
      'pure.ts': `import { readFile } from 'node:fs/promises'\nimport type { Pool } from 'pg'\nexport type { Pool }\nexport { readFile }\n`,
      a: { 'one.ts': `export { two } from '../b/two.ts'\nexport const one = 1\n` },
      b: {
        'two.ts': `export const two = 2\n`,
        'three.ts': `import { one } from '../a/one.ts'\nexport const three = one\n`,
        'types.generated.ts': `export type Generated = 1\n`,
      },
    },
    storage: {
      'rows.ts': `import { one } from '../domain/a/one.ts'\nimport type { Generated } from '../domain/b/types.generated.ts'\nexport type { Generated }\nexport { one }\n`,
    },
    services: {
      // As values, as a type, as a type whose import still runs, and behind an await.
      'use.ts': `import { one } from '../storage/rows.ts'\nimport { gone } from './gone.ts'\nexport { one, gone }\n`,
      'fine.ts': `import type { one } from '../storage/rows.ts'\nimport { fault } from '../errors.ts'\nexport type { one }\nexport { fault }\n`,
      'half.ts': `import { type Generated } from '../storage/rows.ts'\nexport type { Generated }\n`,
      'later.ts': `export const later = () => import('pg')\n`,
    },
    helpers: { 'odd.ts': `export const odd = 1\n` },
    'errors.ts': `export { later as fault } from './ring.ts'\n`,
    'ring.ts': `export * from './errors.ts'\nexport const later = 1\n`,
  }
  const graph = await readImports(t.testdir(planted), tsConfig)
  const row = { runs: [], types: [], npm: [], node: [] }
  const rules = {
    folders: {
      domain: row,
      storage: { ...row, types: ['domain'] },
      services: { ...row, types: ['storage'], npm: ['pg'] },
      'errors.ts': { ...row, runs: ['ring.ts'] },
      'ring.ts': row,
    },
    files: { 'domain/pure.ts': { npm: ['pg'] } },
    open: ['errors.ts'],
    packages: [],
  }

  t.same(forbiddenImports(graph, rules), [
    'domain/pure.ts imports fs/promises: builtin not in the table',
    'helpers/odd.ts: there is no rule for `helpers`',
    'services/half.ts imports storage/rows.ts: only types may cross',
    'services/later.ts imports pg: package is installed for development only',
    'services/use.ts imports ./gone.ts: it is not there',
    'services/use.ts imports storage/rows.ts: only types may cross',
    'storage/rows.ts imports domain/a/one.ts: only types may cross',
    'storage/rows.ts imports the type of domain/b/types.generated.ts: generated files are their own folder’s',
  ])
  t.same(runTimeCycles(graph), [['errors.ts', 'ring.ts']])
  t.same(
    runTimeCycles(graph, domainFolder),
    [['domain/a', 'domain/b']],
    'folders can go in a circle although no file does',
  )
  t.same(unreachableFiles(graph, ['services/use.ts', 'services/absent.ts']), [
    'domain/b/three.ts',
    'domain/pure.ts',
    'errors.ts',
    'helpers/odd.ts',
    'ring.ts',
    'services/fine.ts',
    'services/half.ts',
    'services/later.ts',
  ])
  await t.rejects(readImports(t.testdir({ empty: {} }), tsConfig))
})

t.test('an impure file is told by what it does, not by its words', async (t) => {
  const impure = `// comment
    export async function f(at = new Date()) {
      await 1
      return [Date.now(), Math.random(), process.env.HOME, { crypto }, new Promise(() => {})]
    }`
  t.same([...usedNames(impure, IMPURE)].sort(), [
    'Date.now',
    'Math.random',
    'Promise',
    'async',
    'await',
    'crypto',
    'new Date()',
    'process',
  ])
  t.same(usedNames(impure, ['process.env']), ['process.env'])
  const pure = `// process.env, await, Promise
    export interface Process { process: Promise<void> }
    export const f = ({ crypto, process: own }: { crypto: string; process: string }, at: Date) =>
      [new Date(at), 'Math.random', at.process, crypto === own]`
  t.same(usedNames(pure, [...IMPURE, 'process.env']), ['crypto'])
})
