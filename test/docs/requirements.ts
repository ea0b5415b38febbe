import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Claim, type Claims, findClaims } from './requirement-tags.ts'

/** `test/requirements.json`: what practice asks of such a server, and which of it this one claims to do. */
export interface Requirements {
  /** Each must have a test. */
  readonly claimed: readonly string[]
  readonly sections: readonly {
    readonly title: string
    /** One sentence by id (`R24`). */
    readonly requirements: Readonly<Record<string, string>>
  }[]
}

const root = fileURLToPath(new URL('../..', import.meta.url))

export function readRequirements(): Requirements {
  return JSON.parse(readFileSync(`${root}test/requirements.json`, 'utf8')) as Requirements
}

/** The claims of every test in the repository: TypeScript, policy tests, scenarios. */
export function readClaims(): Claims {
  const files = globSync(['test/**/*.ts', 'test/**/*.yaml', 'policies/*.test.yaml'], {
    cwd: root,
    // The tests of the tags show tags.
    exclude: ['test/docs/requirement*.ts'],
  }).sort()
  const found = files.map((file) => findClaims(file, readFileSync(root + file, 'utf8')))
  return {
    claims: found.flatMap(({ claims }) => claims),
    faults: found.flatMap(({ faults }) => faults),
  }
}

/** What is wrong between requirements and claims, in one sentence each. */
export function claimFaults(
  { claimed, sections }: Requirements,
  claims: readonly Claim[],
): string[] {
  const known = sections.flatMap(({ requirements }) => Object.keys(requirements))
  const shown = new Set(claims.flatMap(({ requirements }) => requirements))
  return [
    ...[...shown, ...claimed].filter((id) => !known.includes(id)).map((id) => `${id} is not known`),
    ...claimed.filter((id) => !shown.has(id)).map((id) => `${id} is claimed and has no test`),
  ]
}

/** The page `docs/requirements.md`. */
export function requirementsPage(
  { claimed, sections }: Requirements,
  claims: readonly Claim[],
): string {
  const body = sections.map(({ title, requirements }) => {
    const entries = Object.entries(requirements).map(([id, sentence]) => {
      const tests = claims.filter((claim) => claim.requirements.includes(id))
      const lines = tests.map(
        (test) => `  - ${escape(test.title)} ([${test.file}](../${test.file}))`,
      )
      return [`- **${id}** ${sentence}`, ...lines].join('\n')
    })
    return `## ${title}\n\n${entries.join('\n')}`
  })
  return `# Requirements

What practice asks of an exchange like this one, and the tests that show it. A test shows a requirement
by a tag in its title, such as \`[R24]\`, and \`npm run docs\` writes this page from the tags. A test fails
when the page is out of date, or when a requirement that is claimed has no test. Claimed so far:
${claimed.join(', ')}.

${body.join('\n\n')}
`
}

/** Titles hold characters that Markdown would take for its own. */
function escape(title: string): string {
  return title.replace(/[*_[\]<>`|\\]/g, '\\$&')
}
