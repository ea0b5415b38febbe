import { decodeBase64 } from '../domain/log/base64.ts'
import { type Checkpoint, logIdentity } from '../domain/log/checkpoint.ts'
import { MAX_NOTE_BYTES } from '../domain/log/note.ts'
import { type ReceiptFailure, verifyReceipt } from '../domain/log/receipt.ts'
import { exitCodeOf, type Read, verifyLog, type VerifyReport } from './verify-log.ts'
import { VERIFY_WORDS } from './verify-words.ts'

/** A proof as somebody kept it: the JSON text of `GET /v1/disclosures/{id}/proof`. */
export interface ReceiptFile {
  /** What to call it. */
  readonly name: string
  readonly text: string
  /** `receipt.leafHash` of the answer to the disclosure (base64url): then no other event's proof will do. */
  readonly leafHash?: string
}

/** What came of one receipt. */
export type ReceiptReport =
  | {
      readonly name: string
      readonly ok: true
      readonly leafIndex: number
      readonly checkpoint: Checkpoint
    }
  | { readonly name: string; readonly ok: false; readonly code: ReceiptFailure | 'malformed_vkey' }

/** What came of the whole. */
export interface ServerReport {
  readonly log: VerifyReport
  readonly receipts: readonly ReceiptReport[]
  /** 0 all is right, 1 the log or a receipt is at fault, 2 it could not be checked. */
  readonly exitCode: 0 | 1 | 2
}

/** Writes one line for people. */
export type Out = (line: string) => void

/**
 * Checks the log of a server, and receipts against it, with the verifier key alone: that each receipt
 * holds, and that the log of today still is the one that signed them.
 *
 * @param url origin of the server, or the prefix of any log (ending in `/log`)
 */
export async function verifyServer(
  url: string,
  vkey: string,
  out: Out,
  {
    receipts = [],
    read = httpReader(url),
  }: { receipts?: readonly ReceiptFile[]; read?: Read } = {},
): Promise<ServerReport> {
  const checked = receipts.map((file) => checkReceipt(file, vkey))
  const known = checked.flatMap((receipt) => (receipt.ok ? [receipt.checkpoint] : []))
  const log = await verifyLog({ read, vkey, known })
  for (const line of linesOf(log)) out(line)
  for (const receipt of checked) out(lineOf(receipt))
  // A fault that was found weighs more than something that could not be looked at.
  const faulty = checked.some((receipt) => !receipt.ok && receipt.code !== 'malformed_vkey')
  return { log, receipts: checked, exitCode: faulty ? 1 : exitCodeOf(log) }
}

/** Checks one receipt without asking anybody. */
export function checkReceipt({ name, text, leafHash }: ReceiptFile, vkey: string): ReceiptReport {
  const log = logIdentity(vkey)
  if (!log) return { name, ok: false, code: 'malformed_vkey' }
  const promised = leafHash === undefined ? undefined : bytesOfBase64url(leafHash)
  if (leafHash !== undefined && !promised) return { name, ok: false, code: 'other_leaf' }
  const verified = verifyReceipt(parseJson(text), log, promised ? { leafHash: promised } : {})
  if (!verified.ok) return { name, ok: false, code: verified.reason }
  const { leafIndex, checkpoint } = verified.value
  return { name, ok: true, leafIndex, checkpoint }
}

/** Most bytes of an answer that are read: a bundle of 256 of the longest entries. */
const MOST_BYTES = Math.max(MAX_NOTE_BYTES, 256 * (2 + 0xffff))

/** How long one answer may take, in milliseconds. */
const PATIENCE = 30_000

/** Reads a log over HTTP. Throws TypeError for what is not a URL. */
export function httpReader(url: string): Read {
  const base = new URL(url)
  const prefix = base.pathname.replace(/\/+$/, '')
  base.pathname = prefix.endsWith('/log') ? `${prefix}/` : `${prefix}/log/`
  return async (path) => {
    const response = await fetch(new URL(path, base), { signal: AbortSignal.timeout(PATIENCE) })
    if (response.status === 404) {
      await response.body?.cancel()
      return undefined
    }
    if (response.status !== 200) throw new Error('the log did not answer')
    return bodyOf(response)
  }
}

/** The body, unless it is longer than anything that a log serves. */
async function bodyOf(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > MOST_BYTES) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

function linesOf(report: VerifyReport): string[] {
  if (!report.ok) {
    const verdict = exitCodeOf(report) === 2 ? 'NOT CHECKED' : 'FAILED'
    return [`${verdict}: ${report.at ? `${report.at}: ` : ''}${VERIFY_WORDS[report.code]}`]
  }
  const { origin, size, root, bundles, tiles, known } = report
  return [
    `log       ${origin}`,
    `size      ${size} entries`,
    `root      ${root}, signed by the log`,
    `read      ${bundles} bundles and ${tiles} tiles: they are what was signed`,
    ...(known > 0 ? [`history   continues ${known} earlier checkpoints`] : []),
    'OK: the log holds what it signed',
  ]
}

function lineOf(receipt: ReceiptReport): string {
  if (!receipt.ok) return `FAILED: ${receipt.name}: ${VERIFY_WORDS[receipt.code]}`
  return `OK: ${receipt.name}: is entry ${receipt.leafIndex} of the log`
}

function bytesOfBase64url(text: string): Uint8Array | undefined {
  if (!/^[\w-]{43}$/.test(text)) return undefined
  return decodeBase64(`${text.replaceAll('-', '+').replaceAll('_', '/')}=`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
