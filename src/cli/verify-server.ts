import { exitCodeOf, trustFrom, verifyLog, type VerifyReport } from './verify-log.ts'
import { type Read, readerOf } from './log-reader.ts'
import {
  checkReceipt,
  checkTrusted,
  type ReceiptFile,
  type ReceiptReport,
} from './verify-receipt.ts'
import { type ExitCode, exitCodeFor, Trouble } from './verify-report.ts'
import { trustIn, type TrustOptions } from './verify-trust.ts'
import { VERIFY_WORDS } from './verify-words.ts'

/** What came of the whole. */
export interface ServerReport {
  readonly log: VerifyReport
  readonly receipts: readonly ReceiptReport[]
  /** 0 all is right, 1 the log or a receipt is at fault, 2 it could not be checked. */
  readonly exitCode: ExitCode
}

/** Writes one line for people. */
export type Out = (line: string) => void

/**
 * Checks a log, and receipts against it, with the verifier key alone: that each receipt holds, and
 * that the log of today still is the one that signed them.
 *
 * @param source a URL or a folder, see `readerOf`
 */
export async function verifyServer(
  source: string,
  trust: TrustOptions | string,
  out: Out,
  {
    receipts = [],
    read = readerOf(source),
  }: { receipts?: readonly ReceiptFile[]; read?: Read } = {},
): Promise<ServerReport> {
  const options = typeof trust === 'string' ? { vkey: trust } : trust
  const checked = await checkAgainst(read, options, receipts)
  const known = checked.flatMap((receipt) => (receipt.ok ? [receipt.checkpoint] : []))
  const log = await verifyLog({ ...options, read, known })
  for (const line of linesOf(log)) out(line)
  for (const receipt of checked) out(receiptLine(receipt))
  const exitCode = worst([exitCodeOf(log), ...checked.map(exitCodeOfReceipt)])
  return { log, receipts: checked, exitCode }
}

/** A fault that was found weighs more than something that could not be looked at. */
export function worst(codes: readonly ExitCode[]): ExitCode {
  return codes.includes(1) ? 1 : codes.includes(2) ? 2 : 0
}

/** Receipts as somebody checks them who is shown the history of the log's keys as well. */
async function checkAgainst(
  read: Read,
  options: TrustOptions,
  receipts: readonly ReceiptFile[],
): Promise<readonly ReceiptReport[]> {
  if (receipts.length === 0) return []
  try {
    const trust = await trustFrom(read, trustIn(options))
    return receipts.map((file) => checkTrusted(file, trust))
  } catch (error) {
    // What is wrong with the keys is said of the log; the receipts are looked at without its help.
    if (error instanceof Trouble) return receipts.map((file) => checkReceipt(file, options))
    throw error
  }
}

/** 0 it holds, 1 it does not, 2 it could not be checked. */
export function exitCodeOfReceipt(receipt: ReceiptReport): ExitCode {
  return receipt.ok ? 0 : exitCodeFor(receipt.code)
}

/** What a person is told of one receipt. */
export function receiptLine(receipt: ReceiptReport): string {
  const { name } = receipt
  if (!receipt.ok) {
    const verdict = exitCodeOfReceipt(receipt) === 2 ? 'NOT CHECKED' : 'FAILED'
    return `${verdict}: ${name}: ${VERIFY_WORDS[receipt.code]}`
  }
  const parts = receipt.full ? ', both parts of the event opened' : ''
  return `OK: ${name}: is entry ${receipt.leafIndex} of the log${parts}`
}

function linesOf(report: VerifyReport): string[] {
  if (!report.ok) {
    const verdict = exitCodeFor(report.code) === 2 ? 'NOT CHECKED' : 'FAILED'
    return [`${verdict}: ${report.at ? `${report.at}: ` : ''}${VERIFY_WORDS[report.code]}`]
  }
  const { origin, size, root, bundles, tiles, known, learnt, cosigned } = report
  return [
    `log       ${origin}`,
    `size      ${size} entries`,
    `root      ${root}, signed by the log`,
    ...cosigned.map((name) => `witness   ${name} cosigned it`),
    ...learnt.map((vkey) => `key       ${vkey}, which a key that you gave vouches for`),
    `read      ${bundles} bundles and ${tiles} tiles: they are what was signed`,
    ...(known > 0 ? [`history   continues ${known} earlier checkpoints`] : []),
    'OK: the log holds what it signed',
  ]
}
