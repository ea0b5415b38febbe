import { readFileSync, readlinkSync } from 'node:fs'

/**
 * Identity of a process that survives the reuse of process numbers: `<pid>-<start tick>-<boot>`.
 *
 * The start tick is field 22 of /proc/<pid>/stat (proc(5)); the boot part is the start of the kernel's boot id, since
 * ticks begin anew at every boot. `undefined` when the process does not exist, has ended and waits to be reaped, or
 * belongs to another process-number namespace (another container).
 */
export function identityOf(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`)
  // The second field is the command in brackets and may itself hold blanks and brackets.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTick] = [fields?.[0], fields?.[19]]
  if (!startTick || state === 'Z' || state === 'X') return undefined
  const boot = readProc('/proc/sys/kernel/random/boot_id')?.slice(0, 8) ?? 'unknown'
  return `${pid}-${startTick}-${boot}`
}

/** Whether the process named by an identity of `identityOf` still runs. */
export function isRunning(identity: string): boolean {
  return identityOf(Number.parseInt(identity, 10)) === identity
}

/** The namespace this process counts process numbers in; two containers differ even when they share files. */
export function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return 'unknown'
  }
}

/** Command line of a process, one entry per argument; empty when it does not run or may not be read. */
export function commandLineOf(pid: number): string[] {
  return readProc(`/proc/${pid}/cmdline`)?.split('\0').slice(0, -1) ?? []
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
