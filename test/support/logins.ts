import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import pg from 'pg'

/** URLs of the database `ostiary` for each login of `docs/deployment/logins.sql`. */
export interface Logins {
  readonly owner: string
  readonly api: string
  readonly worker: string
}

const SCRIPT = new URL('../../docs/deployment/logins.sql', import.meta.url)

/**
 * Does to a cluster what psql does with `docs/deployment/logins.sql`, with random passwords. Of psql's own language it
 * knows what the script uses: `\set name \`…\`` and `:'name'`.
 *
 * @throws Error for any other command of psql, and when a statement fails
 */
export async function createLogins(superuserUrl: string): Promise<Logins> {
  const client = new pg.Client({ connectionString: superuserUrl })
  await client.connect()
  try {
    for (const statement of statementsOf(await readFile(SCRIPT, 'utf8'))) {
      await client.query(statement)
    }
  } finally {
    await client.end()
  }
  const login = (user: string) => loginUrl(superuserUrl, user, 'ostiary')
  return {
    owner: login('ostiary_owner'),
    api: login('ostiary_api'),
    worker: login('ostiary_jobs'),
  }
}

function statementsOf(script: string): string[] {
  const values = new Map<string, string>()
  const sql = script.split('\n').filter((line) => {
    if (!line.startsWith('\\')) return true
    const [, name] = /^\\set (\w+) (?:on|`cat \/run\/secrets\/\w+`)$/.exec(line) ?? []
    if (name === undefined) throw new Error(`psql command that this test does not know: ${line}`)
    values.set(name, randomBytes(24).toString('base64url'))
    return false
  })
  return sql
    .join('\n')
    .replace(/:'(\w+)'/g, (_, name: string) => pg.escapeLiteral(values.get(name)!))
    .split(/;$/m)
    .filter((statement) => /^\s*[a-z]/m.test(statement))
}

/** The same server for another login and database; over the socket of a test cluster nobody needs a password. */
export function loginUrl(url: string, user: string, database: string): string {
  const other = new URL(url)
  other.pathname = `/${database}`
  other.searchParams.set('user', user)
  return other.href
}
