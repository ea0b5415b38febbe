// A third opinion on receipts: the checkpoint and inclusion checks of @sigstore/verify, which other
// people wrote for another log of the same formats (RFC 6962, C2SP signed notes). Not exported by the
// package, hence the deep imports of an exact version.
import { createHmac, createPublicKey } from 'node:crypto'
import { verifyCheckpoint } from '@sigstore/verify/dist/tlog/checkpoint.js'
import { verifyMerkleInclusion } from '@sigstore/verify/dist/tlog/merkle.js'
import type { AnyReceipt } from './independent-verifier.ts'

type Entry = Parameters<typeof verifyMerkleInclusion>[0]
type Authority = Parameters<typeof verifyCheckpoint>[1][number]

/** Throws unless the log of this key holds what the receipt opens, in the eyes of @sigstore/verify. */
export function sigstoreOpinion(receipt: AnyReceipt, vkey: string, canonicalText: string): void {
  const bytes = (text: string) => Buffer.from(text, 'base64')
  const committed = createHmac('sha256', bytes(receipt.publicSalt)).update(canonicalText).digest()
  const body = Buffer.concat([committed, bytes(receipt.privateCommitment)])
  const entry = {
    canonicalizedBody: body,
    inclusionProof: {
      logIndex: String(receipt.leafIndex),
      treeSize: String(receipt.treeSize),
      rootHash: Buffer.alloc(0),
      hashes: receipt.inclusion.map(bytes),
      checkpoint: { envelope: receipt.checkpoint },
    },
  } as unknown as Entry
  const [name = '', id = '', ...base64] = vkey.split('+')
  const x = Buffer.from(base64.join('+'), 'base64').subarray(1).toString('base64url')
  const authority = {
    logID: Buffer.from(id, 'hex'),
    baseURL: name,
    publicKey: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
  } as unknown as Authority
  verifyMerkleInclusion(entry, verifyCheckpoint(entry, [authority]))
}
