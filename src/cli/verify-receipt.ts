import { decodeBase64 } from '../domain/log/base64.ts'
import type { Checkpoint } from '../domain/log/checkpoint.ts'
import { type ReceiptFailure, verifyReceipt } from '../domain/log/receipt.ts'
import { Trouble, type VerifyFault, type VerifyHindrance } from './verify-report.ts'
import { type Trust, trustIn, type TrustOptions } from './verify-trust.ts'

/** A proof as somebody kept it: the JSON text of `GET /v1/disclosures/{id}/proof` or of an event's. */
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
      /** Whether it opens the private part of its event as well. */
      readonly full: boolean
    }
  | {
      readonly name: string
      readonly ok: false
      readonly code: ReceiptFailure | VerifyHindrance | VerifyFault
    }

/** Checks one receipt without asking anybody, with keys alone. */
export function checkReceipt(file: ReceiptFile, trust: TrustOptions | string): ReceiptReport {
  try {
    return checkTrusted(file, trustIn(typeof trust === 'string' ? { vkey: trust } : trust))
  } catch (error) {
    if (error instanceof Trouble) return { name: file.name, ok: false, code: error.code }
    throw error
  }
}

/** The same with a trust that may know the history of the log's keys. */
export function checkTrusted({ name, text, leafHash }: ReceiptFile, trust: Trust): ReceiptReport {
  const promised = leafHash === undefined ? undefined : bytesOfBase64url(leafHash)
  if (leafHash !== undefined && !promised) return { name, ok: false, code: 'other_leaf' }
  const { log, witnesses, quorum } = trust
  const check = { witnesses, quorum, ...(promised ? { leafHash: promised } : {}) }
  const verified = verifyReceipt(parseJson(text), log, check)
  if (!verified.ok) return { name, ok: false, code: verified.reason }
  const { leafIndex, checkpoint, privatePart } = verified.value
  return { name, ok: true, leafIndex, checkpoint, full: privatePart !== undefined }
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
