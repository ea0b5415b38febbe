import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const FOLDER = join(import.meta.dirname, '..')

/**
 * Installs the engines of `bench/package.json` where they are missing or of another version. They are
 * no part of the project's own installation: nobody needs them but who runs the bench.
 */
export async function installPeers(
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if (await areInstalled()) return
  say('installing the other engines (npm ci in bench/)')
  const npm = spawn('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: FOLDER,
    stdio: ['ignore', 'ignore', 'inherit'],
    signal,
  })
  const [code] = (await once(npm, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`npm ci in bench/ ended with ${code}`)
}

/**
 * One of them. The type is what the bench uses of it: the packages are not there when types are
 * checked.
 */
export async function importPeer<T>(specifier: string): Promise<T> {
  return (await import(specifier)) as T
}

async function areInstalled(): Promise<boolean> {
  const { dependencies } = await readJson<{ dependencies: Record<string, string> }>('package.json')
  const found = await Promise.all(
    Object.entries(dependencies).map(async ([name, wanted]) => {
      const at = join('node_modules', name, 'package.json')
      const installed = await readJson<{ version: string }>(at).catch(() => undefined)
      return installed?.version === wanted
    }),
  )
  return found.every(Boolean)
}

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(join(FOLDER, file), 'utf8')) as T
}
