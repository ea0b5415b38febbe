// What a record raises for its whole case, and what speaks of that record alone.
import t from 'tap'

import type { PolicyFlag } from '../../src/domain/catalogue/types.ts'
import { flagsOfCase, flagsOfRecord } from '../../src/services/raised-flags.ts'
import type { GateRecord } from '../../src/storage/gate.ts'

const viewpoint = { membership: 'all', persons: {} } as const

/** A record that police hold, with what its fields raise. */
function record(id: string, raised: readonly PolicyFlag[]) {
  const held = { record_id: id, sector: 'police', acts_for: 'all', subject_id: null }
  const stored = { ...held, sealed_flags: Buffer.of(1), subject_key: Buffer.of(1), fields: [] }
  return {
    record: { ...stored, provenance: [] } as unknown as GateRecord,
    flags: [id, { opened: true as const, value: { status: raised } }] as const,
  }
}

t.test('couple work is said of the referral and not of the case [R27]', async (t) => {
  const couple = record('referral', ['couple_work', 'subject_unaware'])
  const risk = record('risk', ['risk_high'])
  const flags = new Map([couple.flags, risk.flags])
  const records = [couple.record, risk.record]
  t.same(flagsOfCase(viewpoint, { records, flags }), ['risk_high', 'subject_unaware'])
  t.same(flagsOfRecord(viewpoint, couple.record, flags).all, ['couple_work', 'subject_unaware'])
})

t.test('admission by one service cannot be put on record by another [R76]', async (t) => {
  const both: PolicyFlag[] = ['accepted_by_support', 'accepted_by_programme']
  const police = record('referral', both)
  const flags = new Map([police.flags])
  t.same(flagsOfCase(viewpoint, { records: [police.record], flags }), [])
  const support = { ...police.record, sector: 'victim_support' } as GateRecord
  t.same(flagsOfCase(viewpoint, { records: [support], flags }), ['accepted_by_support'])
})
