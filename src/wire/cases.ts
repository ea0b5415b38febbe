import type { Catalogue } from '../domain/catalogue/types.ts'
import { buildGlossary } from '../domain/policy/glossary.ts'
import { readGlossary } from '../files/glossary.ts'
import { readWording } from '../files/wording.ts'
import type { Handlers } from '../http/call.ts'
import type { Pages } from '../http/pages.ts'
import { compileRecordValidation } from '../http/record-validation.ts'
import { agencyHandlers } from '../http/routes/agencies.ts'
import { agreementHandlers } from '../http/routes/agreements.ts'
import { caseHandlers } from '../http/routes/cases.ts'
import { consentHandlers } from '../http/routes/consents.ts'
import { glossaryHandlers } from '../http/routes/glossary.ts'
import { recordHandlers } from '../http/routes/records.ts'
import { makeAcceptAgreement } from '../services/accept-agreement.ts'
import { type Acting, makeActing } from '../services/acting.ts'
import { makeRecogniseIfNamed } from '../services/administration.ts'
import {
  makeListAgreements,
  makeRecordAgreement,
  makeTerminateAgreement,
  makeViewAgreement,
} from '../services/agreements.ts'
import { makeAmendRecord } from '../services/amend-record.ts'
import { makeListCaseDuties } from '../services/case-duties.ts'
import { makeAddMember, makeRemoveMember } from '../services/case-members.ts'
import { makeChangeAgency } from '../services/change-agency.ts'
import { makeContestFields } from '../services/contest-fields.ts'
import { makeDepositRecord } from '../services/deposit-record.ts'
import { makeDutiesInForce } from '../services/duties-in-force.ts'
import { makeAddPerson, makeOpenCase, makeViewCase } from '../services/open-case.ts'
import { makeListIntake } from '../services/police-intake.ts'
import { makeReadPolicy } from '../services/policy-versions.ts'
import { makeRecordConsent, makeViewConsent } from '../services/record-consent.ts'
import type { RecordEvent } from '../services/record-event.ts'
import { makeRegisterAgency } from '../services/register-agency.ts'
import {
  makeChangePractitioner,
  makeRegisterPractitioner,
} from '../services/register-practitioner.ts'
import type { RequirePractitioner } from '../services/require-practitioner.ts'
import type { Runtime } from '../services/runtime.ts'
import { makeSubjectKeyFor } from '../services/subject-key.ts'
import { makeVerifyFields } from '../services/verify-fields.ts'
import { makeListAgencies, makeViewAgency } from '../services/view-agencies.ts'
import { makeWithdrawConsent } from '../services/withdraw-consent.ts'
import * as agencies from '../storage/agencies.ts'
import * as agreements from '../storage/agreements.ts'
import * as cases from '../storage/cases.ts'
import * as consents from '../storage/consents.ts'
import * as duties from '../storage/duties.ts'
import * as idempotency from '../storage/idempotency.ts'
import * as locks from '../storage/locks.ts'
import * as notices from '../storage/notices.ts'
import * as policies from '../storage/policies.ts'
import * as register from '../storage/practitioner-register.ts'
import * as records from '../storage/records.ts'
import * as sealedNotes from '../storage/sealed-notes.ts'
import * as subjectKeys from '../storage/subject-keys.ts'
import type { Transact } from '../storage/transaction.ts'
import * as verifications from '../storage/verification-answers.ts'
import type { Vault } from '../vault/vault.ts'
import { PROGRAM_FOLDER } from './program-folder.ts'

/** What the use cases of agencies, cases, records and consents are made from. */
export interface CaseParts {
  readonly transact: Transact
  readonly acting: Acting
  readonly requirePractitioner: RequirePractitioner
  readonly recordEvent: RecordEvent
  readonly catalogue: Catalogue
  readonly vault: Vault
  readonly runtime: Runtime
}

/** Handlers of everything that comes before a disclosure: who takes part, and what they hold. */
export function wireCases({ pages, ...parts }: CaseParts & { readonly pages: Pages }): Handlers {
  const services = wireCaseServices(parts)
  return {
    ...agencyHandlers(services, pages),
    ...agreementHandlers(services, pages),
    ...caseHandlers(services),
    ...recordHandlers(services),
    ...consentHandlers(services),
    ...glossaryHandlers(
      buildGlossary(readGlossary(`${PROGRAM_FOLDER}schemas/glossary.json`), parts.catalogue),
    ),
  }
}

/** The same use cases for who does not come in by HTTP. */
export function wireCaseServices(parts: CaseParts) {
  return { ...registerServices(parts), ...caseWorkServices(parts) }
}

/** Agencies, practitioners, agreements: an agency's own software may act with nobody named. */
function registerServices({ requirePractitioner, transact, recordEvent, runtime }: CaseParts) {
  const administering = makeActing({
    transact,
    recordEvent,
    requirePractitioner: makeRecogniseIfNamed({ requirePractitioner }),
  })
  const shared = { administering, recordEvent, runtime, locks, notices }
  const directory = { ...shared, storage: agencies }
  const practitioners = { ...shared, storage: { ...register, ...agencies } }
  const agreementParts = { ...shared, storage: { ...agreements, ...agencies } }
  return {
    registerAgency: makeRegisterAgency(directory),
    listAgencies: makeListAgencies(directory),
    viewAgency: makeViewAgency(directory),
    changeAgency: makeChangeAgency(directory),
    registerPractitioner: makeRegisterPractitioner(practitioners),
    changePractitioner: makeChangePractitioner(practitioners),
    recordAgreement: makeRecordAgreement(agreementParts),
    listAgreements: makeListAgreements(agreementParts),
    viewAgreement: makeViewAgreement(agreementParts),
    acceptAgreement: makeAcceptAgreement(agreementParts),
    terminateAgreement: makeTerminateAgreement(agreementParts),
  }
}

/** Cases, records, consents: a practitioner acts, in a role. */
function caseWorkServices({ acting, recordEvent, catalogue, vault, runtime }: CaseParts) {
  const subjectKeyFor = makeSubjectKeyFor({ storage: subjectKeys, vault })
  const shared = { acting, recordEvent, catalogue, vault, runtime, locks, notices, subjectKeyFor }
  const caseParts = { ...shared, storage: { ...cases, ...agencies } }
  const recordParts = {
    ...shared,
    validateFields: compileRecordValidation(catalogue),
    wording: readWording(`${PROGRAM_FOLDER}schemas/wording`),
    storage: { ...cases, ...records, ...idempotency },
    agencies,
    duties,
    dutiesInForce: makeDutiesInForce({
      read: (tx, version) => makeReadPolicy({ db: tx, storage: policies, catalogue })(version),
      storage: policies,
    }),
    subjectKeys,
    verifications,
    sealedNotes,
  }
  const consentParts = {
    ...shared,
    storage: { ...cases, ...consents, ...agencies, ...idempotency },
    sealedNotes,
  }
  return {
    openCase: makeOpenCase(caseParts),
    viewCase: makeViewCase(caseParts),
    addPerson: makeAddPerson(caseParts),
    addMember: makeAddMember(caseParts),
    removeMember: makeRemoveMember(caseParts),
    listCaseDuties: makeListCaseDuties({ ...caseParts, duties }),
    listIntake: makeListIntake(recordParts),
    depositRecord: makeDepositRecord(recordParts),
    amendRecord: makeAmendRecord(recordParts),
    verifyFields: makeVerifyFields(recordParts),
    contestFields: makeContestFields(recordParts),
    recordConsent: makeRecordConsent(consentParts),
    viewConsent: makeViewConsent(consentParts),
    withdrawConsent: makeWithdrawConsent(consentParts),
  }
}
