import { execFile } from 'node:child_process'
import { access, glob, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

t.setTimeout(180_000)
const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const readme = await readFile(join(root, 'README.md'), 'utf8')
const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

t.test('every link between pages leads somewhere', async (t) => {
  const pages = ['README.md']
  for await (const page of glob(['docs/**/*.md', 'policies/*.md'], { cwd: root })) pages.push(page)
  for (const page of pages) {
    const text = await readFile(join(root, page), 'utf8')
    for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      await t.resolves(access(join(root, dirname(page), target!)), `${page}: ${target}`)
    }
  }
})

t.test('the README names files, scripts and commands that there are', async (t) => {
  for (const [, path] of readme.matchAll(
    /`((?:src|test|docs|policies|schemas|migrations|bench)\/[\w./-]*)`/g,
  )) {
    await t.resolves(access(join(root, path!)), path!)
  }
  for (const [, script] of readme.matchAll(/npm run (?:--silent )?([\w:]+)/g))
    t.ok(scripts[script!], script!)
  const words = new Set<string>()
  for (const [, command] of readme.matchAll(
    /(?:`ostiary|ostiary --) ([a-z]+(?: [a-z-]+)?)(?=[ `"\n])/g,
  ))
    words.add(command!)
  for (const line of readme.matchAll(/lists the commands: ([^.]*)\./g)) {
    for (const [, command] of line[1]!.matchAll(/`([a-z][a-z -]*)`/g)) words.add(command!)
  }
  t.ok(words.size >= 9)
  // A few at a time: each is a process of its own.
  const left = [...words]
  const askAll = async (): Promise<void> => {
    for (let command = left.pop(); command !== undefined; command = left.pop()) {
      const help = ['src/cli/main.ts', ...command.split(' '), '--help']
      const { stdout } = await run(process.execPath, help, { cwd: root })
      t.ok(stdout.startsWith(`Usage: ostiary ${command} `), `ostiary ${command}`)
    }
  }
  await Promise.all([askAll(), askAll(), askAll()])
})
