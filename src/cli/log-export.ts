import { loadConfig } from '../config.ts'
import { withLogSource } from '../wire/log-source.ts'
import { exportLog, type ExportReport } from './export-log.ts'
import { failureText } from './failure.ts'
import { httpReader } from './log-reader.ts'
import { exitCodeFor } from './verify-report.ts'
import { VERIFY_WORDS } from './verify-words.ts'

interface ExportCommandOptions {
  readonly from?: string
  readonly vkey: readonly string[]
  readonly json?: boolean
}

/**
 * `ostiary log export`: the public log of a server, or of the configured database, as static files.
 * Exit codes as those of `ostiary log verify`.
 */
export async function exportLogCommand(
  directory: string,
  { from, vkey, json }: ExportCommandOptions,
): Promise<void> {
  const given = vkey.length > 0 ? { trust: { vkey } } : {}
  try {
    const report =
      from === undefined
        ? await withLogSource(loadConfig(), ({ read, vkeys }) =>
            exportLog({ read, directory, trust: { vkey: vkeys }, ...given }),
          )
        : await exportLog({ read: httpReader(from), directory, ...given })
    const lines = linesOf(report, directory, from !== undefined && vkey.length === 0)
    process.stdout.write(`${json ? JSON.stringify(report, null, 2) : lines.join('\n')}\n`)
    process.exitCode = report.ok ? 0 : exitCodeFor(report.code)
  } catch (error) {
    // Such as a disk that is full, or a folder that may not be written.
    process.stdout.write(`NOT EXPORTED: ${failureText(error)}\n`)
    process.exitCode = 2
  }
}

function linesOf(report: ExportReport, directory: string, unchecked: boolean): string[] {
  if (!report.ok) {
    const { code, at } = report
    const verdict = exitCodeFor(code) === 2 ? 'NOT EXPORTED' : 'FAILED'
    return [`${verdict}: ${at}: ${VERIFY_WORDS[code]}`]
  }
  const { origin, size, before, bundles, tiles } = report
  return [
    `log       ${origin}`,
    `size      ${size} entries, ${size - before} of them new`,
    `written   ${bundles} bundles and ${tiles} tiles into ${directory}`,
    ...(unchecked ? ['          who signed it was not checked: no --vkey was given'] : []),
    'OK: the folder holds what the checkpoint says',
  ]
}
