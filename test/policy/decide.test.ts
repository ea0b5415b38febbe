// How decisions come out, case by case, in the words that policy tests are written in.
import t from 'tap'

import { decide } from '../../src/domain/policy/decide.ts'
import { describeFault } from '../../src/domain/policy/fault.ts'
import { parsePolicy, parseSuite } from '../../src/domain/policy/parse.ts'
import type { PolicySuite } from '../../src/domain/policy/suite.ts'
import { factsOfCase } from '../../src/domain/policy/suite-facts.ts'
import { checkSuite, runPolicyTests } from '../../src/domain/policy/testing.ts'
import { catalogue, vocabulary } from './arbitraries.ts'
import { program } from './support.ts'

const POLICY = `
policy: trial
title: Rules made up for these tests
source: [Istanbul Convention art. 18]
permit:
  - id: A-name
    to: { sector: [victim_support], role: [vss_advocate] }
    purpose: [referral]
    fields: [person.full_name]
    necessary: { because: somebody needs it }
    basis: { gdpr: [A6-1-e], consent: not_needed }
    obligations: [read_only]
  - id: B-name-claimed
    to: { sector: [victim_support], role: [vss_advocate] }
    purpose: [referral]
    fields: [person.full_name]
    exception: [acute_danger]
    necessary: { because: somebody needs it }
    timely: { onStale: mark }
    basis: { gdpr: [A6-1-d], consent: not_needed }
    obligations: [no_onward_sharing]
    expiresAfter: PT24H
  - id: C-birth-year
    to: { actsFor: [victim, perpetrator] }
    purpose: [referral]
    fields: [person.birth_date]
    transform: year
    necessary: { because: somebody needs it }
    basis: { gdpr: [A6-1-e], consent: not_needed }
  - id: D-birth-date
    to: { actsFor: [victim, perpetrator] }
    purpose: [referral]
    fields: [person.birth_date]
    review: { by: police_officer, within: PT24H }
    when: { flags: [risk_high] }
    necessary: { because: somebody needs it }
    basis: { gdpr: [A6-1-e], consent: not_needed }
  - id: E-pregnancy
    to: { actsFor: [victim, perpetrator, all] }
    purpose: [care_treatment]
    fields: [health.pregnancy]
    necessary: { because: somebody needs it }
    timely: { maxAge: none }
    basis: { gdpr: [A6-1-a], art9: A9-2-a, consent: { required: true, unless: { exception: [vital_interest], flags: [acute_danger] } } }
  - id: G-status
    agreement: { required: true, unlessPurpose: [safety_urgent] }
    to: { sector: [victim_support] }
    purpose: [partner_contact, safety_urgent]
    fields: [programme_engagement.status]
    necessary: { because: somebody needs it }
    basis: { gdpr: [A6-1-e], art10: authorised, consent: not_needed }
  - id: H-risk
    to: { actsFor: [victim, perpetrator, all], training: [{ code: gbv_basic, maxAge: P730D }] }
    purpose: [risk_management]
    fields: [risk_assessment.risk_level]
    necessary: { because: somebody needs it, justification: required, ethicsNote: required }
    accurate: { verified: required }
    secure: { sealed: required }
    basis: { gdpr: [A6-1-e], art10: authorised, consent: not_needed }
  - id: I-phone
    to: { actsFor: [victim, perpetrator] }
    purpose: [referral]
    fields: [contact_location.perp_phone]
    necessary: { because: somebody needs it }
    basis: { gdpr: [A6-1-e], consent: not_needed }
  - id: J-own
    to: { actsFor: [victim, perpetrator] }
    transfer: [own]
    purpose: [risk_assessment]
    fields: [{ category: [O] }]
    necessary: { because: somebody needs it }
    basis: { gdpr: [A6-1-e], consent: not_needed }
  - id: K-incident
    to: { actsFor: [victim, perpetrator, all] }
    transfer: [own, external]
    purpose: [order_enforcement, safety_urgent]
    fields: [incident.occurred_at, incident.victim_account, person.languages]
    necessary: { because: somebody needs it }
    basis: { gdpr: [A6-1-e], art9: A9-2-g, art10: official_authority, led: ['8'], consent: not_needed }
  - id: L-file
    to: { actsFor: [all] }
    transfer: [own, external]
    purpose: [prosecution_trial, risk_assessment]
    fields: [incident.occurred_at, incident.victim_account]
    necessary: { because: somebody needs it }
    basis: { led: ['8', '10'], consent: not_needed }
  - id: M-from-the-town
    from: { public: true }
    to: { actsFor: [victim], country: [AT, DE, FR], notCountry: [FR] }
    purpose: [housing]
    fields: [person.sex_gender]
    necessary: { because: somebody needs it }
    basis: { gdpr: [A6-1-e], consent: not_needed }
  - id: N-from-a-private-body
    from: { public: false }
    to: { actsFor: [victim], notCountry: [FR, DE] }
    purpose: [housing]
    fields: [person.sex_gender]
    necessary: { because: somebody needs it }
    basis: { gdpr: [A6-1-e], consent: not_needed }
forbid:
  - id: X-told-by-her
    to: { actsFor: [perpetrator] }
    fields: [contact_location.perp_phone, person.birth_date]
    informant: [V]
    unlessConsent: true
    explain: silent
    unless: []
  - id: W-her-name
    fields: [person.full_name]
    informant: [V]
    unlessConsent: true
    explain: reason
    unless: [vital_interest]
  - id: Y-restricted
    fields: [person/id]
    restricted: true
    explain: reason
    reason: restricted
    unless: [vital_interest, acute_danger]
  - id: Z-clerks
    to: { sector: [victim_support], role: [shelter_worker] }
    fields: [person.full_name]
    explain: reason
    reason: role_not_allowed
    unless: [acute_danger]
`

const WORLD = `
people:
  Ana: [victim]
  Marko: [perpetrator_alleged]
  Lea: [child_witness]
agencies:
  Lighthouse: { sector: victim_support, actsFor: [victim], nationalAuthorisation: true }
  Harbour: { sector: victim_support, actsFor: [victim], nationalAuthorisation: true, organisation: House }
  Change Path: { sector: perpetrator_programme, actsFor: [perpetrator], nationalAuthorisation: true, organisation: House }
  Town Police: { sector: police, actsFor: [all], public: true, competentAuthority: true }
  Former: { sector: hospital, actsFor: [] }
`

const SUITES = [
  `
suite: outcomes
title: Which permit wins, and what it carries
${WORLD}
when: { agency: Lighthouse, role: vss_advocate, about: Marko, purpose: referral }
given:
  values: [{ field: person.full_name, heldBy: Town Police, about: Marko, informant: PO }]
cases:
  - case: one permit passes, with the obligations of the rule and the conditions of the source
    given:
      values: [{ field: person.full_name, heldBy: Town Police, about: Marko, informant: PO, conditions: [ask_first] }]
    then: { person.full_name: { outcome: released, rules: [A-name], obligations: [ask_first, read_only], exception: none, consent: not_needed, stale: false, agreementAlert: false } }
  - case: both pass, the smaller id wins, obligations are those of both, and the claim was not needed
    when: { exception: acute_danger }
    then: { person.full_name: { outcome: released, rules: [A-name, B-name-claimed], obligations: [read_only, no_onward_sharing], exception: none } }
  - case: only the claim opens what is old; it is recorded, marked as stale, and ends
    given:
      values: [{ field: person.full_name, heldBy: Town Police, about: Marko, informant: PO, age: P400D }]
    when: { exception: acute_danger }
    then: { person.full_name: { outcome: released, rules: [B-name-claimed], exception: acute_danger, stale: true, expiresAfter: PT24H } }
  - case: the closest permit gives the reason when none passes
    given:
      values: [{ field: person.full_name, heldBy: Town Police, about: Marko, informant: PO, age: P400D }]
    then: { person.full_name: { outcome: withheld, rules: [A-name], reasons: [stale], fails: [timely], remedies: [request_verification] } }
  - case: as old as the limit is not yet stale, and verification makes it young
    given:
      values:
        - { field: person.full_name, heldBy: Town Police, about: Marko, informant: PO, age: P365D }
        - { field: person.full_name, heldBy: Town Police, about: Marko, informant: PO, age: P365DT1S }
        - { field: person.full_name, heldBy: Town Police, about: Marko, informant: PO, age: P900D, verified: P1D }
    then: { person.full_name: [released, withheld, released] }
  - case: a year is more than a look by a person, though less than the date
    given:
      flags: [risk_high]
      values: [{ field: person.birth_date, heldBy: Town Police, about: Marko, informant: PO }]
    then: { person.birth_date: { outcome: generalised, transform: year, rules: [C-birth-year, D-birth-date] } }
  - case: what a reviewer of the source approved goes whole; another agency's approval is none
    given:
      flags: [risk_high]
      values:
        - { field: person.birth_date, heldBy: Town Police, about: Marko, informant: PO }
        - { field: person.birth_date, heldBy: Change Path, about: Marko, informant: PP }
    when: { approvedBy: [Town Police] }
    then: { person.birth_date: [{ outcome: released, rules: [C-birth-year, D-birth-date] }, generalised] }
  - case: another purpose would reach a rule
    when: { purpose: housing }
    then: { person.full_name: { outcome: withheld, reasons: [purpose_not_allowed], remedies: [narrow_purpose], rules: [] } }
  - case: another role would
    when: { role: psychologist }
    then: { person.full_name: { outcome: withheld, reasons: [role_not_allowed], remedies: [], fails: [secure] } }
  - case: no rule at all
    given: { values: [{ field: needs_assessment.need_codes, heldBy: Town Police, about: Marko, informant: PO }] }
    then: { needs_assessment.need_codes: { outcome: withheld, reasons: [no_rule], remedies: [], fails: [necessary] } }
  - case: own records need a rule that says own
    when: { purpose: risk_assessment }
    given:
      values:
        - { field: person.full_name, heldBy: Lighthouse, about: Marko, informant: PO }
        - { field: person.full_name, heldBy: Town Police, about: Marko, informant: PO }
    then: { person.full_name: [{ outcome: released, rules: [J-own] }, withheld] }
  - case: a rule that does not say own does not open one's own
    given: { values: [{ field: person.full_name, heldBy: Lighthouse, about: Marko, informant: PO }] }
    then: { person.full_name: { outcome: withheld, reasons: [purpose_not_allowed] } }
  - case: a value that nobody asked for gets no verdict
    when: { fields: [person.birth_date] }
    then: { others: released }
`,
  `
suite: four-tests
title: Every reason, not only the first
${WORLD}
when: { agency: Town Police, role: police_officer, about: Marko, purpose: risk_management }
given:
  values: [{ field: risk_assessment.risk_level, heldBy: Change Path, about: Marko, informant: PP, age: P100D, contested: true }]
cases:
  - case: everything is wrong at once
    when: { channel: bearer }
    then:
      risk_assessment.risk_level:
        outcome: withheld
        reasons: [justification_missing, ethics_note_missing, unverified, contested, stale, channel_too_weak, seal_required, training_missing]
        fails: [necessary, accurate, timely, secure]
        remedies: [request_verification, use_bound_token, request_sealed, give_justification, give_ethics_note, complete_training]
  - case: everything is right
    given: { values: [{ field: risk_assessment.risk_level, heldBy: Change Path, about: Marko, informant: PP, age: P100D, verified: P40D }] }
    when: { justified: true, ethicsNoted: true, sealed: true, trainings: { gbv_basic: P700D } }
    then: { risk_assessment.risk_level: { outcome: released, fails: [] } }
  - case: a high risk is stale sooner
    given: { values: [{ field: risk_assessment.risk_level, heldBy: Change Path, about: Marko, informant: PP, age: P100D, verified: P40D, flags: [risk_high] }] }
    when: { justified: true, ethicsNoted: true, sealed: true, trainings: { gbv_basic: P700D } }
    then: { risk_assessment.risk_level: { outcome: withheld, reasons: [stale], fails: [timely] } }
  - case: a training on its last day
    given: { values: [{ field: risk_assessment.risk_level, heldBy: Change Path, about: Marko, informant: PP, verified: P1D }] }
    when: { justified: true, ethicsNoted: true, sealed: true, trainings: { gbv_basic: P730D } }
    then: { risk_assessment.risk_level: released }
  - case: a training that has lapsed
    given: { values: [{ field: risk_assessment.risk_level, heldBy: Change Path, about: Marko, informant: PP, verified: P1D }] }
    when: { justified: true, ethicsNoted: true, sealed: true, trainings: { gbv_basic: P731D } }
    then: { risk_assessment.risk_level: { outcome: withheld, reasons: [training_missing], fails: [secure] } }
`,
  `
suite: agreements
title: With and without a written agreement
${WORLD}
at: 2026-11-02T09:00:00Z
when: { agency: Lighthouse, role: partner_contact_worker, about: Marko, purpose: partner_contact }
given:
  values: [{ field: programme_engagement.status, heldBy: Change Path, about: Marko, informant: PP }]
  agreements: [{ between: [Change Path, Lighthouse], purposes: [partner_contact], from: 2026-01-01, until: 2026-12-31 }]
cases:
  - case: in force
    then: { programme_engagement.status: { outcome: released, agreementAlert: false } }
  - case: lapsed
    given: { agreements: [{ between: [Change Path, Lighthouse], purposes: [partner_contact], until: 2026-11-02T09:00:00Z }] }
    then: { programme_engagement.status: { outcome: withheld, reasons: [no_agreement], remedies: [conclude_agreement] } }
  - case: with somebody else
    given: { agreements: [{ between: [Change Path, Town Police], purposes: [partner_contact] }] }
    then: { programme_engagement.status: { outcome: withheld, reasons: [no_agreement] } }
  - case: for another purpose
    given: { agreements: [{ between: [Change Path, Lighthouse], purposes: [referral] }] }
    then: { programme_engagement.status: { outcome: withheld, reasons: [no_agreement] } }
  - case: danger does not wait for a signature
    given: { agreements: [] }
    when: { purpose: safety_urgent }
    then: { programme_engagement.status: { outcome: released, agreementAlert: true } }
`,
  `
suite: consents
title: Whose consent, to what, and what is told of it
${WORLD}
when: { agency: Town Police, role: police_officer, about: Marko, purpose: care_treatment }
given:
  values: [{ field: health.pregnancy, heldBy: Change Path, about: Ana, toldBy: Ana }]
cases:
  - case: none
    then: { health.pregnancy: { outcome: withheld, reasons: [consent_missing], explained: [consent_missing], remedies: [ask_consent] } }
  - case: hers, though the man is the subject
    given:
      consents: [{ by: Ana, to: Town Police, purpose: care_treatment, fields: [health.*] }]
    then: { health.pregnancy: { outcome: released, consent: used } }
  - case: his opens nothing of hers
    given:
      consents: [{ by: Marko, to: Town Police, purpose: care_treatment, fields: [health.*] }]
    then: { health.pregnancy: { outcome: withheld, reasons: [consent_missing] } }
  - case: what a professional found is opened by the subject
    given:
      values: [{ field: health.pregnancy, heldBy: Change Path, about: Marko, informant: HE }]
      consents: [{ by: Marko, to: Town Police, purpose: care_treatment, fields: [health.*] }]
    then: { health.pregnancy: { outcome: released, consent: used } }
  - case: not explicit, for another purpose, agency or role, or to a whole sector, opens nothing special
    given:
      consents:
        - { by: Ana, to: Town Police, purpose: care_treatment, fields: [health.*], explicit: false }
        - { by: Ana, to: Town Police, purpose: referral, fields: [health.*] }
        - { by: Ana, to: Lighthouse, purpose: care_treatment, fields: [health.*] }
        - { by: Ana, to: Town Police, purpose: care_treatment, fields: [health.*], roles: [physician] }
        - { by: Ana, to: { sector: police }, purpose: care_treatment, fields: [health.*] }
        - { by: Ana, to: Town Police, purpose: care_treatment, fields: [health.care_needs] }
    then: { health.pregnancy: { outcome: withheld, reasons: [consent_missing] } }
  - case: expired
    given:
      consents: [{ by: Ana, to: Town Police, purpose: care_treatment, fields: [health.*], given: P30D, lasts: P30D }]
    then: { health.pregnancy: { outcome: withheld, reasons: [consent_expired], explained: [consent_expired] } }
  - case: withdrawn is told as missing to whoever never had it
    given:
      consents: [{ by: Ana, to: Town Police, purpose: care_treatment, fields: [health.*], withdrawn: PT1S }]
    then: { health.pregnancy: { outcome: withheld, reasons: [consent_withdrawn], explained: [consent_missing], remedies: [ask_consent] } }
  - case: and as withdrawn to whoever had it, without asking her again
    given:
      values: [{ field: health.pregnancy, heldBy: Change Path, about: Ana, toldBy: Ana, releasedBefore: true }]
      consents: [{ by: Ana, to: Town Police, purpose: care_treatment, fields: [health.*], withdrawn: PT1S }]
    then: { health.pregnancy: { outcome: withheld, reasons: [consent_withdrawn], explained: [consent_withdrawn], remedies: [] } }
  - case: a withdrawal ends an older consent to the same, in whichever record
    given:
      consents:
        - { by: Ana, to: Town Police, purpose: care_treatment, fields: [health.*], given: P5D }
        - { by: Ana, to: Town Police, purpose: care_treatment, fields: [health.pregnancy], given: P9D, withdrawn: P4D }
    then: { health.pregnancy: { outcome: withheld, reasons: [consent_withdrawn] } }
  - case: and one given at that very instant
    given:
      consents:
        - { by: Ana, to: Town Police, purpose: care_treatment, fields: [health.*], given: P4D }
        - { by: Ana, to: Town Police, purpose: care_treatment, fields: [health.pregnancy], given: P9D, withdrawn: P4D }
    then: { health.pregnancy: { outcome: withheld, reasons: [consent_withdrawn] } }
  - case: and a newer one stands
    given:
      consents:
        - { by: Ana, to: Town Police, purpose: care_treatment, fields: [health.*], given: P3D }
        - { by: Ana, to: Town Police, purpose: care_treatment, fields: [health.pregnancy], given: P9D, withdrawn: P4D }
    then: { health.pregnancy: { outcome: released, consent: used } }
  - case: a flag makes it unnecessary, and no claim is needed for that
    given: { flags: [acute_danger] }
    when: { exception: vital_interest }
    then: { health.pregnancy: { outcome: released, consent: not_needed, exception: none } }
  - case: a claim does, and is recorded
    when: { exception: vital_interest }
    then: { health.pregnancy: { outcome: released, consent: not_needed, exception: vital_interest } }
  - case: another claim does not
    when: { exception: court_order }
    then: { health.pregnancy: withheld }
`,
  `
suite: forbids
title: What beats every permit, and what lifts it
${WORLD}
when: { agency: Lighthouse, role: vss_advocate, about: Marko, purpose: referral }
given:
  values: [{ field: person.full_name, heldBy: Town Police, about: Marko, informant: PO, restricted: true }]
cases:
  - case: restricted data rests, and it is said how it opens
    then: { person.full_name: { outcome: withheld, rules: [Y-restricted], reasons: [restricted], remedies: [claim_exception] } }
  - case: a claim that the rule lists opens it, and is recorded
    when: { exception: vital_interest }
    then: { person.full_name: { outcome: released, rules: [A-name], exception: vital_interest } }
  - case: one that it does not list
    when: { exception: court_order }
    then: { person.full_name: { outcome: withheld, rules: [Y-restricted] } }
  - case: all that stand are cited; a claim must lift them all
    when: { role: shelter_worker }
    then: { person.full_name: { outcome: withheld, rules: [Y-restricted, Z-clerks], reasons: [restricted, role_not_allowed], remedies: [claim_exception] } }
  - case: lifting one of two is not enough
    when: { role: shelter_worker, exception: vital_interest }
    then: { person.full_name: { outcome: withheld, rules: [Z-clerks] } }
  - case: what she told about his phone is silent towards his side
    when: { agency: Change Path, role: pp_case_manager }
    given: { values: [{ field: contact_location.perp_phone, heldBy: Town Police, about: Marko, toldBy: Ana }] }
    then: { contact_location.perp_phone: { outcome: silent, rules: [X-told-by-her], explained: [], remedies: [] } }
  - case: her consent to that item lifts it, and is what it stands on
    when: { agency: Change Path, role: pp_case_manager }
    given:
      values: [{ field: contact_location.perp_phone, heldBy: Town Police, about: Marko, toldBy: Ana }]
      consents: [{ by: Ana, to: Change Path, purpose: referral, fields: [contact_location.perp_phone] }]
    then: { contact_location.perp_phone: { outcome: released, rules: [I-phone], consent: used } }
  - case: where consent or a claim would lift it, both are offered
    given: { values: [{ field: person.full_name, heldBy: Town Police, about: Marko, toldBy: Ana }] }
    then: { person.full_name: { outcome: withheld, rules: [W-her-name], reasons: [shielded], remedies: [ask_consent, claim_exception] } }
  - case: but not consent where another forbid would stand all the same
    given: { values: [{ field: person.full_name, heldBy: Town Police, about: Marko, toldBy: Ana, restricted: true }] }
    then: { person.full_name: { outcome: withheld, rules: [W-her-name, Y-restricted], remedies: [claim_exception] } }
  - case: where both are there, consent carries it and no claim was needed
    when: { exception: vital_interest }
    given:
      values: [{ field: person.full_name, heldBy: Town Police, about: Marko, toldBy: Ana }]
      consents: [{ by: Ana, to: Lighthouse, purpose: referral, fields: [person.full_name] }]
    then: { person.full_name: { outcome: released, consent: used, exception: none } }
  - case: but not one that is not explicit
    when: { agency: Change Path, role: pp_case_manager }
    given:
      values: [{ field: contact_location.perp_phone, heldBy: Town Police, about: Marko, toldBy: Ana }]
      consents: [{ by: Ana, to: Change Path, purpose: referral, fields: [contact_location.perp_phone], explicit: false }]
    then: { contact_location.perp_phone: silent }
`,
  `
suite: law
title: On which law a release stands
${WORLD}
  Court: { sector: court, actsFor: [all], public: true, competentAuthority: true }
  Small Refuge: { sector: shelter, actsFor: [victim] }
when: { agency: Court, role: judge_clerk, about: Marko, purpose: order_enforcement }
given:
  values:
    - { field: person.languages, heldBy: Town Police, about: Marko, informant: PO }
    - { field: [incident.occurred_at, incident.victim_account], heldBy: Town Police, informant: PO }
cases:
  - case: between two competent authorities at their own work the LED, where special data need its art. 10
    then:
      person.languages: { outcome: released, regime: led }
      incident.occurred_at: { outcome: released, regime: led }
      incident.victim_account: { outcome: withheld, rules: [K-incident], reasons: [no_legal_ground], fails: [necessary], explained: [no_legal_ground], remedies: [] }
  - case: for any other purpose the same two are under the GDPR
    when: { purpose: safety_urgent }
    then: { others: { outcome: released, rules: [K-incident], regime: gdpr } }
  - case: a rule with grounds of the LED alone gives nothing then
    when: { purpose: risk_assessment, fields: [incident.*] }
    then: { others: { outcome: withheld, rules: [L-file], reasons: [no_legal_ground] } }
  - case: but does for a trial
    when: { purpose: prosecution_trial, fields: [incident.*] }
    then: { others: { outcome: released, rules: [L-file], regime: led } }
  - case: whoever is no competent authority is given it under the GDPR
    when: { agency: Lighthouse, role: vss_advocate }
    then: { others: { outcome: released, regime: gdpr } }
  - case: criminal data do not go to a private body without an authorisation
    when: { agency: Small Refuge, role: shelter_worker }
    then:
      person.languages: { outcome: released, regime: gdpr }
      incident/core: { outcome: withheld, reasons: [no_legal_ground] }
      incident/nar: { outcome: withheld, reasons: [no_legal_ground] }
  - case: what it wrote down itself it may read
    when: { agency: Small Refuge, role: shelter_worker, purpose: safety_urgent, fields: [incident.*] }
    given: { values: [{ field: [incident.occurred_at, incident.victim_account], heldBy: Small Refuge, toldBy: Ana }] }
    then: { others: { outcome: released, regime: gdpr } }
  - case: an authority at its own work reads its own file under the LED
    when: { agency: Town Police, role: police_officer }
    then:
      person.languages: { outcome: released, regime: led }
      incident.occurred_at: { outcome: released, regime: led }
      incident.victim_account: { outcome: withheld, reasons: [no_legal_ground] }
`,
  `
suite: places
title: Who holds it, and into which country it goes
${WORLD}
  Munich: { sector: victim_support, actsFor: [victim], country: DE }
  Lyon: { sector: victim_support, actsFor: [victim], country: FR }
  Berne: { sector: victim_support, actsFor: [victim], country: CH }
when: { agency: Lighthouse, role: vss_advocate, about: Ana, purpose: housing }
given:
  values:
    - { field: person.sex_gender, heldBy: Town Police, about: Ana, informant: PO }
    - { field: person.sex_gender, heldBy: Harbour, about: Ana, toldBy: Ana }
cases:
  - case: a public body and a private one, each by its rule
    then: { person.sex_gender: [{ outcome: released, rules: [M-from-the-town] }, { outcome: released, rules: [N-from-a-private-body] }] }
  - case: into a country that one rule names and the other leaves out
    when: { agency: Munich }
    then: { person.sex_gender: [{ outcome: released, rules: [M-from-the-town] }, withheld] }
  - case: into one that both leave out
    when: { agency: Lyon }
    then: { person.sex_gender: { outcome: withheld, reasons: [no_rule] } }
  - case: into one that neither names
    when: { agency: Berne }
    then: { person.sex_gender: [withheld, { outcome: released, rules: [N-from-a-private-body] }] }
`,
  `
suite: shield
title: What his side may not even notice
${WORLD}
when: { agency: Change Path, role: pp_case_manager, about: Marko, purpose: referral }
cases:
  - case: his own old phone number is explained
    given: { values: [{ field: contact_location.perp_phone, heldBy: Town Police, about: Marko, informant: PO, age: P100D }] }
    then: { contact_location.perp_phone: { outcome: withheld, reasons: [stale] } }
  - case: the same about her, from her service, from the child, or from one who has left, is silent
    given:
      values:
        - { field: contact_location.perp_phone, heldBy: Town Police, about: Ana, informant: PO, age: P100D }
        - { field: contact_location.perp_phone, heldBy: Town Police, about: Marko, informant: VS, age: P100D }
        - { field: contact_location.perp_phone, heldBy: Town Police, about: Marko, toldBy: Lea, age: P100D }
        - { field: contact_location.perp_phone, heldBy: Lighthouse, about: Marko, informant: PO, age: P100D }
        - { field: contact_location.perp_phone, heldBy: Former, about: Marko, informant: HE, age: P100D }
    then: { contact_location.perp_phone: [silent, silent, silent, silent, silent] }
  - case: what locates her is silent, even without a rule
    given: { values: [{ field: contact_location.safe_phone, heldBy: Town Police, about: Marko, informant: PO }] }
    then: { contact_location.safe_phone: { outcome: silent, reasons: [no_rule] } }
  - case: her side is told why
    when: { agency: Lighthouse }
    given: { values: [{ field: contact_location.perp_phone, heldBy: Town Police, about: Ana, informant: PO, age: P100D }] }
    then: { contact_location.perp_phone: { outcome: withheld, reasons: [stale] } }
  - case: whoever is no member is told nothing at all
    when: { agency: Former, role: physician }
    given: { values: [{ field: person.full_name, heldBy: Town Police, about: Marko, informant: PO }] }
    then: { person.full_name: { outcome: silent, reasons: [not_case_member], rules: [] } }
`,
]

function parsedPolicy(text: string) {
  const result = parsePolicy(text, 'trial.yaml')
  if (!result.ok) throw new Error(result.faults.map(describeFault).join('\n'))
  return result.parsed.document
}

function parsedSuite(text: string): PolicySuite {
  const result = parseSuite(text, 'suite')
  if (!result.ok) throw new Error(result.faults.map(describeFault).join('\n'))
  const faults = checkSuite(result.parsed, catalogue, vocabulary)
  if (faults.length > 0) throw new Error(faults.map(describeFault).join('\n'))
  return result.parsed.document
}

const trial = program([parsedPolicy(POLICY)])

for (const text of SUITES) {
  const suite = parsedSuite(text)
  t.test(suite.title, async (t) => {
    for (const result of runPolicyTests(trial, catalogue, suite))
      t.same(result.problems, [], result.case)
  })
}

t.test('a nation may set other ages; what a flag shortens stays as short', async (t) => {
  const risk = catalogue.fieldsById['risk_assessment.risk_level']
  const phone = catalogue.fieldsById['contact_location.perp_phone']
  if (risk?.freshness.kind !== 'days' || phone?.freshness.kind !== 'days') throw new Error('ages')
  const shortest = risk.freshness.whenFlag?.['risk_high'] ?? 0
  t.ok(shortest > 0 && shortest < risk.freshness.days)
  const suite = (age: string, flags: string, outcome: string) =>
    parsedSuite(`
suite: ages
title: Ages
${WORLD}
when: { agency: Lighthouse, role: vss_advocate, about: Marko, purpose: referral }
cases:
  - case: ${age} ${flags}
    given:
      values:
        - { field: contact_location.perp_phone, heldBy: Town Police, about: Marko, informant: PO, age: ${age}, flags: ${flags} }
        - { field: risk_assessment.risk_level, heldBy: Town Police, about: Marko, informant: PO, age: ${age}, flags: ${flags} }
    then: { contact_location.perp_phone: released, risk_assessment.risk_level: ${outcome} }
`)
  const policy = POLICY.replace(
    'forbid:',
    `  - id: O-risk
    to: { actsFor: [victim] }
    purpose: [referral]
    fields: [risk_assessment.risk_level]
    necessary: { because: somebody needs it }
    basis: { gdpr: [A6-1-e], art10: authorised, consent: not_needed }
forbid:`,
  )
  const ages = new Map([
    [risk.index, { ms: 400 * 86_400_000 }],
    [phone.index, { ms: 400 * 86_400_000 }],
  ])
  const said = (freshness: typeof ages, age: string, flags: string, outcome: string) =>
    runPolicyTests(
      program([parsedPolicy(policy)], { freshness }),
      catalogue,
      suite(age, flags, outcome),
    ).flatMap(({ problems }) => problems)
  t.same(said(ages, 'P399D', '[]', 'released'), [])
  t.match(said(new Map(), 'P399D', '[]', 'released').join('\n'), /stale/)
  t.same(said(ages, `P${shortest + 1}D`, '[risk_high]', 'withheld'), [])
  const hours = new Map([...ages, [risk.index, { ms: 12 * 3_600_000 }]])
  t.same(said(hours, 'PT12H', '[]', 'released'), [])
  t.same(said(hours, 'PT13H', '[]', 'withheld'), [])
})

t.test('a review that his side may not notice is no review', async (t) => {
  const reviewOnly = POLICY.replace(/  - id: C-birth-year[\s\S]*?(?=  - id: D-birth-date)/, '')
  const suite = parsedSuite(`
suite: review
title: Review
${WORLD}
given:
  flags: [risk_high]
  values: [{ field: person.birth_date, heldBy: Town Police, about: Ana, informant: PO }]
when: { agency: Change Path, role: pp_case_manager, about: Ana, purpose: referral }
cases:
  - case: his side
    then: { person.birth_date: { outcome: silent, reasons: [shielded], rules: [D-birth-date] } }
  - case: her side
    when: { agency: Lighthouse }
    then: { person.birth_date: { outcome: review, reviewBy: police_officer, rules: [D-birth-date] } }
`)
  for (const result of runPolicyTests(program([parsedPolicy(reviewOnly)]), catalogue, suite)) {
    t.same(result.problems, [], result.case)
  }
})

t.test('the consent that counts is the newest, then the one that names the agency', async (t) => {
  const suite = parsedSuite(`
suite: consent
title: Which consent
${WORLD}
given:
  values: [{ field: person.full_name, heldBy: Town Police, about: Marko, informant: PO }]
  consents:
    - { by: Marko, to: Lighthouse, purpose: referral, fields: [person.*], given: P9D }
    - { by: Marko, to: { sector: victim_support }, purpose: referral, fields: [person.*], given: P3D }
    - { by: Marko, to: Lighthouse, purpose: referral, fields: [person.*], given: P3D }
    - { by: Marko, to: Lighthouse, purpose: referral, fields: [person.*], given: P3D }
when: { agency: Lighthouse, role: vss_advocate, about: Marko, purpose: referral }
cases: [{ case: one, then: { others: released } }]
`)
  const asking = POLICY.replace(
    'consent: not_needed }\n    obligations: [read_only]',
    'consent: required }',
  )
  const [one] = suite.cases
  if (!one) throw new Error('no case')
  const facts = factsOfCase(suite, one, catalogue)
  const { verdicts } = decide(program([parsedPolicy(asking)]), facts)
  t.match(verdicts, [{ basis: { consent: 'used', consentId: 'consent-3' } }])
})

t.test('facts that come back from storage as JSON are decided alike', async (t) => {
  const suite = parsedSuite(SUITES[0] ?? '')
  for (const one of suite.cases) {
    const facts = factsOfCase(suite, one, catalogue)
    const again = JSON.parse(JSON.stringify(facts))
    t.same(decide(trial, again), decide(trial, facts), one.case)
  }
})

t.test('a suite says what differs, and refuses what it cannot understand', async (t) => {
  const suite = (cases: string, more = '') => `
suite: odd
title: Odd
${WORLD}
given:
  values: [{ field: person.full_name, heldBy: Town Police, about: Marko, informant: PO }]
when: { agency: Lighthouse, role: vss_advocate, about: Marko, purpose: referral }
${more}
cases:
${cases}`
  const problems = (then: string) =>
    runPolicyTests(trial, catalogue, parsedSuite(suite(`  - case: one\n    then: ${then}`)))[0]
      ?.problems
  t.same(problems('{ person.full_name: released }'), [])
  t.same(problems('{ person/id: released }'), [])
  t.same(problems('{ others: released }'), [])
  t.same(problems('{ person.full_name: silent }'), [
    'person.full_name: outcome is released, expected silent',
  ])
  t.same(problems('{ person.full_name: { outcome: released, rules: [F9], stale: true } }'), [
    'person.full_name: rules is [A-name], expected [F9]',
    'person.full_name: stale is false, expected true',
  ])
  t.same(problems('{ person.full_name: [released, released] }'), [
    'person.full_name: 1 values, 2 expected',
  ])
  t.same(problems('{ person.birth_date: released, others: released }'), [
    'person.birth_date: no such value was decided',
  ])
  t.same(problems('{ health.*: released }'), [
    'person.full_name: released, not expected',
    'health.*: no such value was decided',
  ])

  const faults = (text: string) => {
    const result = parseSuite(text, 's.yaml')
    return (result.ok ? checkSuite(result.parsed, catalogue, vocabulary) : result.faults).map(
      (fault) => fault.message,
    )
  }
  const when = (text: string) =>
    faults(suite(`  - case: one\n    when: ${text}\n    then: { others: released }`))
  t.same(when('{ agency: Nowhere }'), ['no agency is called `Nowhere`'])
  t.same(when('{ about: Nobody }'), ['nobody is called `Nobody`'])
  t.same(when('{ purpose: gossip }'), ['unknown purpose `gossip`'])
  t.match(when('{ fields: [person.nose] }'), ['`person.nose` matches no field of the catalogue'])
  t.same(when('{ approvedBy: [Nowhere] }'), ['no agency is called `Nowhere`'])
  t.same(faults(suite('  - case: one\n    then: { others: perhaps }')).length, 1)
  t.match(faults(suite('  - case: one\n    then: { Others: released }')), [/the key must be/])
  t.same(
    faults(
      `suite: odd\ntitle: Odd\n${WORLD}\ncases:\n  - { case: one, then: { others: released } }`,
    ),
    ['`when` needs agency, role, about and purpose'],
  )
})
