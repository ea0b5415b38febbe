import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks per second in /proc; the kernel has had the same for all of its life. */
const TICKS = 100

/**
 * Milliseconds of processor time that a process and the PostgreSQL sessions on a database have used so
 * far. On a machine that does other things as well it is steadier than the clock. Undefined where the
 * system has no /proc.
 */
export function processorTime(pid: number, database: string): number | undefined {
  const own = statOf(String(pid))
  if (!own) return undefined
  const session = new RegExp(`^postgres: \\S+ ${database} `)
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && session.test(titleOf(name)))
    .reduce((sum, name) => sum + (statOf(name) ?? 0), own)
}

/** User and system time of one process in milliseconds; undefined when it is not there. */
function statOf(pid: string): number | undefined {
  const stat = read(`/proc/${pid}/stat`)
  // Its name, in brackets, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system] = [Number(fields[11]), Number(fields[12])]
  return stat === '' ? undefined : ((user + system) * 1000) / TICKS
}

const titleOf = (pid: string): string => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
