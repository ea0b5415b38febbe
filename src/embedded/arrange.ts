import { accounts, succeedsAs, type Account } from './account.ts'
import type { Binaries } from './binaries.ts'
import { copyBinaries } from './copy-binaries.ts'

/** How the server will run: under which account, from which binaries, and whether it can work in the wanted folder. */
export type Arrangement = { account: Account; binaries: Binaries; reachesFolder: boolean }

/**
 * Finds an account that can run the binaries and reach `folder`. An ordinary user's own account is taken as it is.
 *
 * Root's checkout may lie in a folder that nobody else can enter (/root). Then, in this order: an account that reaches
 * both; one that reaches the folder with the binaries copied to /var/tmp; one that reaches neither, for which the caller
 * must put the data aside as well.
 *
 * @throws Error when no account can run PostgreSQL at all.
 */
export async function arrange(
  binaries: Binaries,
  folder: string,
  namespaces: boolean,
): Promise<Arrangement> {
  const candidates = accounts(namespaces)
  const own = candidates.find(({ kind }) => kind === 'own')
  if (own) return { account: own, binaries, reachesFolder: true }

  const usable: { account: Account; runs: boolean; reaches: boolean }[] = []
  for (const account of candidates) {
    const runs = await runsAs(account, binaries)
    const reaches = await succeedsAs(account, 'test', ['-x', folder])
    if (runs && reaches) return { account, binaries, reachesFolder: true }
    if (await succeedsAs(account, 'true', [])) usable.push({ account, runs, reaches })
  }
  usable.sort((a, b) => Number(b.reaches) - Number(a.reaches))
  for (const { account, runs, reaches } of usable) {
    const reachable = runs ? binaries : await copyBinaries(binaries)
    if (runs || (await runsAs(account, reachable))) {
      return { account, binaries: reachable, reachesFolder: reaches }
    }
  }
  throw new Error(
    'PostgreSQL does not run as root, and neither a user namespace (unshare --user) nor uid 65534 can start it here; run as an ordinary user, or use a server of your own',
  )
}

async function runsAs(account: Account, { postgres, libraries }: Binaries): Promise<boolean> {
  return succeedsAs(account, postgres, ['--version'], libraries)
}
