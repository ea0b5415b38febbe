import { createHash } from 'node:crypto'
import t from 'tap'
import {
  agencyDigest,
  agreementDigest,
  consentDigest,
  practitionerDigest,
  recordDigest,
  sealedDigest,
} from '../../../src/domain/log/record-digest.ts'

const at = new Date('2026-05-04T03:02:01.234Z')
const bytes = (...values: number[]) => Uint8Array.from(values)

const VERSION = {
  recordId: 'r',
  version: 2,
  caseId: 'c',
  agencyId: 'a',
  subjectId: 's' as string | null,
  change: 'amend',
  practitionerId: 'p' as string | null,
  keyOwnerId: 's',
  wrappedKey: bytes(1, 2),
  sealed: bytes(3, 4, 5),
  sealedFlags: bytes(6) as Uint8Array | null,
  fields: [{ name: 'plans', offset: 0, length: 3, setIn: 1, provenance: 0 }],
  provenance: [{ informant: 'V', kind: 'account', collectedAt: at.toISOString() }],
  conditions: ['not_to_perpetrator'],
  at,
}
const CONSENT = {
  id: 'i',
  caseId: 'c',
  subjectId: 's',
  recordedBy: 'a',
  practitionerId: null as string | null,
  items: [{ purpose: 'referral', fields: ['risk.level'] }],
  explicit: true,
  language: 'hr',
  noticeVersion: '3',
  evidenceRef: 'file 7',
  circumstances: { separate: true },
  givenAt: at,
  expiresAt: new Date('2026-11-04T03:02:01.234Z'),
}
const AGREEMENT = {
  id: 'i',
  title: 'T',
  parties: ['a', 'b'],
  purposes: ['referral'],
  validFrom: at,
  validTo: new Date('2027-05-04T00:00:00Z'),
  documentRef: 'd',
  signatories: ['x'],
  scope: null as string | null,
  terms: ['one'],
  policyApproval: null as string | null,
  createdBy: 'a',
}
const AGENCY = {
  id: 'i',
  clientId: 'cl',
  parentId: null as string | null,
  name: 'Lighthouse',
  sector: 'shelter',
  country: 'HR',
  public: true,
  phases: [1],
  competentAuthority: false,
  nationalAuthorisationRef: null as string | null,
  jwks: { keys: [{ kty: 'OKP' }] },
  sealingKey: bytes(7) as Uint8Array | null,
  contacts: [{ kind: 'phone' }],
  operator: false,
  scopes: ['cases:read'],
  suspendedAt: null as Date | null,
  version: 1,
}
const PRACTITIONER = {
  id: 'i',
  agencyId: 'a',
  roles: ['dpo'],
  trainings: [{ code: 'x', at: '2026-01-01' }],
  jwk: { kty: 'OKP' } as object | null,
  active: true,
  version: 1,
}

/** The same row with one column changed. */
function alter(row: object, column: string): object {
  const before = (row as Record<string, unknown>)[column]
  const after =
    before instanceof Date
      ? new Date(before.getTime() + 1)
      : before instanceof Uint8Array
        ? bytes(...before, 0)
        : typeof before === 'number'
          ? before + 1
          : typeof before === 'boolean'
            ? !before
            : Array.isArray(before)
              ? [...(before as unknown[]), 'more']
              : typeof before === 'object' && before !== null
                ? { ...before, more: 1 }
                : column === 'suspendedAt'
                  ? at
                  : `${String(before)}x`
  return { ...row, [column]: after }
}

t.test('every column counts: a row that differs in one has another digest', (t) => {
  const rows: readonly [string, object, (row: never) => string][] = [
    ['record', VERSION, recordDigest],
    ['consent', CONSENT, consentDigest],
    ['agreement', AGREEMENT, agreementDigest],
    ['agency', AGENCY, agencyDigest],
    ['practitioner', PRACTITIONER, practitionerDigest],
  ]
  for (const [name, row, digest] of rows) {
    const whole = digest(row as never)
    t.match(whole, /^[A-Za-z0-9+/]{43}=$/)
    for (const column of Object.keys(row))
      t.not(digest(alter(row, column) as never), whole, `${name}.${column}`)
  }
  t.end()
})

t.test('a row read back gives the digest that was written', (t) => {
  const { fields, provenance, ...rest } = VERSION
  // As JSON columns come back: members in another order, and without what was undefined.
  const back = {
    ...rest,
    fields: fields.map((field) => Object.fromEntries(Object.entries(field).reverse())),
    provenance: JSON.parse(JSON.stringify(provenance)) as object[],
    wrappedKey: Buffer.from(rest.wrappedKey),
    sealed: Buffer.from(rest.sealed),
  }
  const written = { ...VERSION, provenance: [{ ...provenance[0], method: undefined }] }
  t.equal(recordDigest(back), recordDigest(written))
  t.equal(
    recordDigest({ ...VERSION, subjectId: null, practitionerId: null, sealedFlags: null }).length,
    44,
  )
  t.end()
})

t.test('the digest of sealed columns is as documented', (t) => {
  const [facts, notes, notesKey] = [bytes(1, 2, 3), bytes(4), bytes(5, 6)]
  const expected = createHash('sha256')
    .update(Buffer.from('00000003010203' + '0000000104' + '000000020506', 'hex'))
    .digest('base64')
  t.equal(sealedDigest({ facts, notes, notesKey }), expected)
  const absent = createHash('sha256').update(Buffer.from('ffffffff'.repeat(3), 'hex'))
  t.equal(sealedDigest({ facts: null, notes: null, notesKey: null }), absent.digest('base64'))
  t.not(
    sealedDigest({ facts: bytes(), notes: null, notesKey: null }),
    sealedDigest({ facts: null, notes: null, notesKey: null }),
  )
  t.end()
})
