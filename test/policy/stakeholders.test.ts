// No group of stakeholders is left out of the model (R13): each can take part, and each can receive something or is told why not.
import { join } from 'node:path'
import t from 'tap'
import { mayActFor } from '../../src/domain/case/parties.ts'
import { PRACTITIONER_ROLES, SECTORS, type Sector } from '../../src/domain/case/vocabulary.ts'
import { buildCatalogue } from '../../src/domain/catalogue/catalogue.ts'
import { compileWrittenPack } from '../../src/domain/policy/compile-pack.ts'
import type { PolicyDocument } from '../../src/domain/policy/document.ts'
import { policyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { readPolicyFiles } from '../../src/files/policies.ts'
import { loadRecordSchemas } from '../../src/files/schemas.ts'

const root = join(import.meta.dirname, '../..')
const catalogue = buildCatalogue(loadRecordSchemas(join(root, 'schemas/records')))
const { documents } = await readPolicyFiles(join(root, 'policies'))
const compiled = compileWrittenPack(documents, catalogue, policyVocabulary(catalogue))
const permits = (compiled.ok ? compiled.documents : [])
  .map((document) => document as Partial<PolicyDocument>)
  .flatMap(({ permit = [] }) => permit)

/** Sectors that receive no case data, and why. */
const RECEIVES_NOTHING: Partial<Record<Sector, string>> = {
  supervisory_authority: 'it asks controllers by its own powers (GDPR art. 58), and works no case',
  ngo_umbrella: 'it is the roof of services that are agencies of their own',
}

/** Roles that never receive a value (S26, F33); a statistician receives counts (F30). */
const SEES_NO_VALUE = ['org_admin', 'dpo', 'auditor', 'system_admin', 'statistician']

t.test('the pack compiles', async (t) => {
  t.ok(compiled.ok)
  t.ok(permits.length > 50)
})

t.test(
  'every sector can receive something by a rule that names it, or is told why not [R13]',
  async (t) => {
    for (const sector of SECTORS) {
      const named = permits.filter(({ to }) => to?.sector?.includes(sector))
      const reason = RECEIVES_NOTHING[sector]
      t.ok(
        named.length > 0 !== (reason !== undefined),
        `${sector}: ${named.map(({ id }) => id).join(' ')}`,
      )
    }
  },
)

t.test(
  'every role can receive something by a rule that names it, lawyers included [R13]',
  async (t) => {
    for (const role of PRACTITIONER_ROLES) {
      const named = permits.filter(({ to }) => to?.role?.includes(role))
      t.equal(named.length > 0, !SEES_NO_VALUE.includes(role), role)
    }
  },
)

t.test('police, justice and lawyers can work a case [R13]', async (t) => {
  for (const sector of ['police', 'prosecution', 'court', 'legal_aid', 'migration_asylum'] as const)
    t.ok(mayActFor(sector).length > 0, sector)
})
