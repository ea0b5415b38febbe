import { randomUUID } from 'node:crypto'
import { type Crypto, loadCrypto } from '../../src/crypto/sodium.ts'
import type { ReleaseVerdict } from '../../src/domain/policy/verdict.ts'
import type { RecordRef } from '../../src/vault/associated-data.ts'
import { type KeyRing, openKeyRing } from '../../src/vault/key-ring.ts'
import type { FieldValues } from '../../src/vault/seal-record.ts'
import type { FieldFlags, SealedRecord } from '../../src/vault/sealed-record.ts'
import { openVault, type Vault } from '../../src/vault/vault.ts'

/** A vault with a random key-encryption key for each of `epochs`; the last one is current. */
export async function testVault(
  epochs: readonly number[] = [1],
): Promise<{ crypto: Crypto; keyRing: KeyRing; vault: Vault; keys: Map<number, Uint8Array> }> {
  const crypto = await loadCrypto()
  const keys = new Map(epochs.map((epoch) => [epoch, crypto.generateKey()]))
  const keyRing = openKeyRing(crypto, { keys, currentEpoch: epochs.at(-1)! })
  return { crypto, keyRing, vault: openVault(crypto, keyRing), keys }
}

/** Random ids for a record; pass those that it shares with others. */
export function recordRef(given: Partial<RecordRef> = {}): RecordRef {
  const [recordId, caseId] = [randomUUID(), randomUUID()]
  return { recordId, caseId, agencyId: randomUUID(), ownerId: randomUUID(), ...given }
}

/** A record at version 1 as the database would give it back, under a subject key of its own or a given one. */
export function sealedRecord(
  vault: Vault,
  ref: RecordRef,
  fields: FieldValues,
  options: { readonly flags?: FieldFlags; readonly subjectKey?: SealedRecord['subjectKey'] } = {},
): SealedRecord {
  const subjectKey = options.subjectKey ?? { wrapped: vault.createSubjectKey(ref, 1), epoch: 1 }
  const record = { ...ref, version: 1, subjectKey }
  return { ...record, ...vault.sealRecord(record, fields, options.flags) }
}

/** A verdict that releases one field as it is. Only what the vault looks at is filled with sense. */
export function release(
  { recordId, version }: { readonly recordId: string; readonly version: number },
  name: string,
): ReleaseVerdict {
  const field = {
    id: `test_record.${name}`,
    record: 'test_record',
    name,
    group: 'test_record/all',
    groupCode: 'TST.all',
    title: name,
    description: name,
    categories: ['O'],
    locates: [],
    informants: ['VS'],
    freshness: { kind: 'static' },
    flags: [],
    text: false,
    kind: null,
    codes: null,
    subjects: ['any'],
    index: 0,
  } as unknown as ReleaseVerdict['field']
  return {
    field,
    recordId,
    version,
    outcome: 'released',
    silent: false,
    tests: { necessary: 'pass', accurate: 'pass', timely: 'pass', secure: 'pass' },
    rules: ['T1'],
    basis: { regime: 'gdpr', consent: 'not_needed' },
    obligations: [],
    stale: false,
    agreementAlert: false,
  }
}
