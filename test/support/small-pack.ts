/** A pack of one rule, one guardrail and one test, for tests of what happens to packs. */
import { Kysely, PostgresDialect } from 'kysely'
import { compilePack, parsePack } from '../../src/services/policy-versions.ts'
import type { Tables } from '../../src/storage/database.ts'
import { activatePolicy } from '../../src/storage/policies.ts'
import { createPool } from '../../src/storage/pool.ts'
import { realCatalogue } from './catalogue.ts'

/** The rule; `fields` and `to` are what tests change. */
export const rules = ({
  fields = 'incident/core',
  to = 'victim_support',
  source = 'D2.1 §3',
} = {}) => `
policy: police-refer
title: Police refer a victim
${source === '' ? '' : `source: [${source}]`}
permit:
  - id: T1
    from: { sector: [police] }
    to: { sector: [${to}], role: [vss_advocate, pp_case_manager], actsFor: [victim, perpetrator, all] }
    purpose: [referral]
    subject: [victim]
    fields: [${fields}]
    necessary: { because: a service that knows nothing cannot help }
    timely: { maxAge: none }
    basis: { gdpr: [A6-1-c], art9: A9-2-g, art10: authorised, consent: not_needed }
`

/** Two more, so that a test can tell the versions apart and the guardrail has something to say. */
export const GUARD = `
policy: guardrails
title: What never happens
source: [D2.1 §3]
guardrail:
  - id: GR-programme
    title: A programme never receives an incident
    source: [D2.1 §3]
    to: { sector: [perpetrator_programme] }
    fields: [incident.*]
    never: [released, generalised, review]
`

/** Passes as long as the rule releases incidents to victim support. */
export const SUITE = `
suite: police-refer
title: Police refer a victim
at: 2026-11-17T09:00:00Z
people:
  Ana: [victim]
agencies:
  Police: { sector: police, actsFor: [all], public: true, competentAuthority: true }
  Lighthouse: { sector: victim_support, actsFor: [victim], nationalAuthorisation: true }
given:
  values:
    - { field: incident.occurred_at, heldBy: Police, about: Ana, informant: PO }
when: { agency: Lighthouse, role: vss_advocate, about: Ana, purpose: referral }
cases:
  - case: the advocate learns when it was
    then: { incident.occurred_at: released }
`

/** Puts the small pack in force with the owner's rights, as a first start would. */
export async function startSmall(databaseUrl: string, at: Date): Promise<number> {
  const owner = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: createPool({ url: databaseUrl, max: 1 }) }),
  })
  const documents = parsePack([
    { file: 'rules.yaml', text: rules() },
    { file: 'guard.yaml', text: GUARD },
  ])
  const { hash } = compilePack(documents, realCatalogue())
  try {
    return await owner
      .transaction()
      .execute((tx) => activatePolicy(tx, { hash, documents, suites: [SUITE] }, at))
  } finally {
    await owner.destroy()
  }
}
