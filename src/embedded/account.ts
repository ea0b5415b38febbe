import { execFile, type SpawnOptions } from 'node:child_process'
import { promisify } from 'node:util'

/**
 * The account PostgreSQL runs under; it refuses to run as root.
 *
 * `own`: the account of this process. `namespace`: root in a new user namespace without any mapping, which the process
 * sees as uid 65534 while its files stay root's. `nobody`: uid and gid 65534, which need not exist in /etc/passwd.
 * `owner` is the uid and gid that must own its files as this process sees them.
 */
export type Account = { kind: 'own' | 'namespace' | 'nobody'; owner: number }

const NOBODY = 65_534

/** Fixed, so that nothing of this process's own environment (passwords in it) reaches PostgreSQL. */
const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', TZ: 'UTC' }

/** The accounts to try, best first. `namespaces: false` leaves user namespaces out. */
export function accounts(namespaces: boolean): Account[] {
  const uid = process.geteuid?.() ?? 0
  if (uid !== 0) return [{ kind: 'own', owner: uid }]
  const nobody: Account = { kind: 'nobody', owner: NOBODY }
  return namespaces ? [{ kind: 'namespace', owner: 0 }, nobody] : [nobody]
}

/** Program, arguments and options for `spawn` that run `file` under an account; `libraries` as in `Binaries`. */
export function commandAs(
  account: Account,
  file: string,
  args: readonly string[],
  libraries?: string,
): { file: string; args: string[]; options: SpawnOptions } {
  const env = libraries ? { ...ENVIRONMENT, LD_LIBRARY_PATH: libraries } : ENVIRONMENT
  // The working directory is inherited, and the account may not be able to enter it.
  const options = { env, cwd: '/' }
  switch (account.kind) {
    case 'own':
      return { file, args: [...args], options }
    case 'namespace':
      return { file: 'unshare', args: ['--user', file, ...args], options }
    case 'nobody':
      return { file, args: [...args], options: { ...options, uid: NOBODY, gid: NOBODY } }
  }
}

/** Whether a short command succeeds under the account. */
export async function succeedsAs(
  account: Account,
  file: string,
  args: readonly string[],
  libraries?: string,
): Promise<boolean> {
  const command = commandAs(account, file, args, libraries)
  return promisify(execFile)(command.file, command.args, {
    ...command.options,
    timeout: 10_000,
  }).then(
    () => true,
    () => false,
  )
}
