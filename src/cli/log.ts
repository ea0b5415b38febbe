import { readFile } from 'node:fs/promises'
import { verifyServer } from './verify-server.ts'

interface VerifyOptions {
  readonly vkey: string
  readonly receipt?: string
  readonly leafHash?: string
  readonly json?: boolean
}

/** `ostiary log verify`: checks a server, and a receipt, from outside; the exit code says how it went. */
export async function verifyLogCommand(url: string, options: VerifyOptions): Promise<void> {
  const { vkey, receipt, leafHash, json } = options
  const receipts =
    receipt === undefined
      ? []
      : [
          {
            name: receipt,
            text: await readFile(receipt, 'utf8'),
            ...(leafHash === undefined ? {} : { leafHash }),
          },
        ]
  const lines: string[] = []
  const report = await verifyServer(url, vkey, (line) => lines.push(line), { receipts })
  const text = json
    ? JSON.stringify({ ok: report.exitCode === 0, exitCode: report.exitCode, lines }, null, 2)
    : lines.join('\n')
  process.stdout.write(`${text}\n`)
  process.exitCode = report.exitCode
}
