import { readFile } from 'node:fs/promises'
import { encodeBase64 } from '../domain/log/base64.ts'
import { failureText } from './failure.ts'
import { type Read, readerOf } from './log-reader.ts'
import { type ConsistencyReport, verifyCheckpoints } from './verify-checkpoints.ts'
import { trustFrom } from './verify-log.ts'
import { checkTrusted, type ReceiptFile, type ReceiptReport } from './verify-receipt.ts'
import { type ExitCode, exitCodeFor, Trouble } from './verify-report.ts'
import { exitCodeOfReceipt, receiptLine, verifyServer, worst } from './verify-server.ts'
import { trustIn, type TrustOptions } from './verify-trust.ts'
import { VERIFY_WORDS } from './verify-words.ts'

/** Options of `ostiary log verify`, as the command line gives them. */
export interface VerifyCommandOptions {
  readonly vkey: readonly string[]
  /** File with a history of keys that was kept. */
  readonly vkeys?: string
  readonly receipt: readonly string[]
  readonly leafHash?: string
  readonly checkpoints?: readonly string[]
  readonly witness: readonly string[]
  readonly quorum?: string
  readonly json?: boolean
}

/** What is printed, and how the command ends. */
export interface Verified {
  readonly exitCode: ExitCode
  /** What was found wrong or in the way, for programs; words for it are in `lines`. */
  readonly codes: readonly string[]
  readonly lines: readonly string[]
  /** Of two checkpoints: the proof that was computed, in base64. */
  readonly consistency?: readonly string[]
}

/**
 * `ostiary log verify`: checks a log (a server or an exported folder), receipts, or two checkpoints,
 * from outside. Exit code 0: all is right; 1: the log or a receipt is at fault; 2: it could not be
 * checked.
 */
export async function verifyLogCommand(
  source: string | undefined,
  options: VerifyCommandOptions,
): Promise<void> {
  const verified = await verifyAsAsked(source, options).catch(failed)
  const { exitCode, lines } = verified
  const text = options.json
    ? JSON.stringify({ ok: exitCode === 0, ...verified }, null, 2)
    : lines.join('\n')
  process.stdout.write(`${text}\n`)
  process.exitCode = exitCode
}

/** Does what the options ask for; rejects when a file cannot be read or they make no sense. */
export async function verifyAsAsked(
  given: string | undefined,
  options: VerifyCommandOptions,
): Promise<Verified> {
  // `--checkpoints a b <source>`: the list of files takes the source as well.
  const [first, second, third, ...more] = options.checkpoints ?? []
  const source = given ?? third
  const files = given === undefined ? more : [...(third === undefined ? [] : [third]), ...more]
  if (options.checkpoints && (second === undefined || files.length > 0))
    throw new Error('--checkpoints takes two files')
  if (options.vkey.length === 0) throw new Error('--vkey is missing: the key that you trust')
  const receipts = await Promise.all(
    options.receipt.map((name) => receiptFile(name, options.leafHash)),
  )
  const trust = await trustOf(options)
  if (first !== undefined && second !== undefined)
    return verifyTwo([first, second], trust, {
      receipts,
      ...(source === undefined ? {} : { read: readerOf(source) }),
    })
  if (source !== undefined) return verifySource(source, trust, receipts)
  if (receipts.length === 0) throw new Error('name a URL, a folder, --receipt or --checkpoints')
  const known = trustIn(trust)
  return verifiedReceipts(receipts.map((file) => checkTrusted(file, known)))
}

async function verifySource(
  source: string,
  trust: TrustOptions,
  receipts: readonly ReceiptFile[],
): Promise<Verified> {
  const lines: string[] = []
  const report = await verifyServer(source, trust, (line) => lines.push(line), { receipts })
  const codes = [report.log, ...report.receipts].flatMap((one) => (one.ok ? [] : [one.code]))
  return { exitCode: report.exitCode, codes, lines }
}

async function verifyTwo(
  [first, second]: readonly [string, string],
  trust: TrustOptions,
  { receipts, read }: { readonly receipts: readonly ReceiptFile[]; readonly read?: Read },
): Promise<Verified> {
  const known = read ? await trustFrom(read, trustIn(trust)) : trustIn(trust)
  const files = [
    { name: first, note: await readFile(first) },
    { name: second, note: await readFile(second) },
  ] as const
  const report = await verifyCheckpoints(files, known, read)
  const rest = verifiedReceipts(receipts.map((file) => checkTrusted(file, known)))
  return {
    exitCode: worst([report.ok ? 0 : exitCodeFor(report.code), rest.exitCode]),
    codes: [...(report.ok ? [] : [report.code]), ...rest.codes],
    lines: [...linesOfTwo(report), ...rest.lines],
    ...(report.ok ? { consistency: report.consistency } : {}),
  }
}

function verifiedReceipts(reports: readonly ReceiptReport[]): Verified {
  return {
    exitCode: worst(reports.map(exitCodeOfReceipt)),
    codes: reports.flatMap((one) => (one.ok ? [] : [one.code])),
    lines: reports.map(receiptLine),
  }
}

function linesOfTwo(report: ConsistencyReport): string[] {
  if (report.ok) {
    const { older, newer, consistency } = report
    return [
      `older     ${older.size} entries, root ${encodeBase64(older.root)}`,
      `newer     ${newer.size} entries, root ${encodeBase64(newer.root)}`,
      `OK: one log: the newer continues the older (proof of ${consistency.length} hashes)`,
    ]
  }
  const signed = (report.contradiction ?? []).map(
    ({ size, root }) => `signed    ${size} entries, root ${encodeBase64(root)}`,
  )
  return [...signed, troubleLine(report.code, report.at)]
}

async function trustOf(options: VerifyCommandOptions): Promise<TrustOptions> {
  const { vkey, vkeys, witness, quorum } = options
  if (quorum !== undefined && !/^\d{1,3}$/.test(quorum)) throw new Error('--quorum is a number')
  return {
    vkey,
    witnesses: witness,
    ...(quorum === undefined ? {} : { quorum: Number(quorum) }),
    ...(vkeys === undefined ? {} : { history: { note: await readFile(vkeys), name: vkeys } }),
  }
}

async function receiptFile(name: string, leafHash: string | undefined): Promise<ReceiptFile> {
  const text = await readFile(name, 'utf8')
  return { name, text, ...(leafHash === undefined ? {} : { leafHash }) }
}

function troubleLine(code: Trouble['code'], at: string): string {
  const verdict = exitCodeFor(code) === 2 ? 'NOT CHECKED' : 'FAILED'
  return `${verdict}: ${at ? `${at}: ` : ''}${VERIFY_WORDS[code]}`
}

/** Whatever ended the check before it came to a verdict. */
function failed(error: unknown): Verified {
  if (error instanceof Trouble) {
    const { code, at } = error
    return { exitCode: exitCodeFor(code), codes: [code], lines: [troubleLine(code, at)] }
  }
  return { exitCode: 2, codes: ['usage'], lines: [`NOT CHECKED: ${failureText(error)}`] }
}
