/**
 * Digests of stored rows, as the private part of the event that wrote them holds them: so that a value
 * altered in storage is found by comparing the row with the log (S29). Each covers what is never
 * changed after the event; what changes later (a withdrawal, an end) has an event of its own.
 *
 * A digest is the base64 of SHA-256 over canonical JSON (RFC 8785). Bytes stand in it as base64, of
 * long ciphertexts as base64 of their SHA-256; times as ISO 8601 in UTC with milliseconds, which is all
 * that is ever written. Ciphertexts and codes go in, never a value or a text that somebody wrote about
 * a person: a digest of something short could be guessed.
 */
import { encodeBase64 } from './base64.ts'
import { canonicalize, type Json } from './canonical.ts'
import { sha256 } from './hash.ts'

/** One row of `record_version`. */
export interface DigestedVersion {
  readonly recordId: string
  readonly version: number
  readonly caseId: string
  readonly agencyId: string
  readonly subjectId: string | null
  readonly change: string
  readonly practitionerId: string | null
  readonly keyOwnerId: string
  /** The record's own key, under its subject's key; rotation re-wraps the subject's key, never this. */
  readonly wrappedKey: Uint8Array
  readonly sealed: Uint8Array
  readonly sealedFlags: Uint8Array | null
  readonly fields: readonly object[]
  readonly provenance: readonly object[]
  readonly conditions: readonly string[]
  /** `created_at`. */
  readonly at: Date
}

/** Digest of one version of a record: `recordDigest` of `collect.deposited` and of every `alter.*`. */
export function recordDigest(version: DigestedVersion): string {
  const { recordId, caseId, agencyId, subjectId, practitionerId, keyOwnerId } = version
  return digestOf({
    recordId,
    version: version.version,
    caseId,
    agencyId,
    subjectId,
    change: version.change,
    practitionerId,
    keyOwnerId,
    wrappedKey: encodeBase64(version.wrappedKey),
    sealed: encodeBase64(sha256(version.sealed)),
    sealedFlags: version.sealedFlags && encodeBase64(version.sealedFlags),
    fields: stored(version.fields),
    provenance: stored(version.provenance),
    conditions: version.conditions,
    at: version.at.toISOString(),
  })
}

/** What of a row of `consent` never changes. */
export interface DigestedConsent {
  readonly id: string
  readonly caseId: string
  readonly subjectId: string
  readonly recordedBy: string
  readonly practitionerId: string | null
  readonly items: readonly unknown[]
  readonly explicit: boolean
  readonly language: string
  readonly noticeVersion: string
  readonly evidenceRef: string
  readonly circumstances: object
  readonly givenAt: Date
  readonly expiresAt: Date
}

/** Digest of a consent as it was recorded: `consentDigest` of `consent.recorded`. */
export function consentDigest(consent: DigestedConsent): string {
  const { id, caseId, subjectId, recordedBy, practitionerId, explicit } = consent
  const { language, noticeVersion, evidenceRef } = consent
  return digestOf({
    id,
    caseId,
    subjectId,
    recordedBy,
    practitionerId,
    items: stored(consent.items),
    explicit,
    language,
    noticeVersion,
    evidenceRef,
    circumstances: stored(consent.circumstances),
    givenAt: consent.givenAt.toISOString(),
    expiresAt: consent.expiresAt.toISOString(),
  })
}

/** What of a row of `agreement` never changes. */
export interface DigestedAgreement {
  readonly id: string
  readonly title: string
  readonly parties: readonly string[]
  readonly purposes: readonly string[]
  readonly validFrom: Date
  readonly validTo: Date
  readonly documentRef: string
  readonly signatories: readonly string[]
  readonly scope: string | null
  readonly terms: readonly string[]
  readonly policyApproval: string | null
  readonly createdBy: string
}

/** Digest of an agreement as it was recorded: `agreementDigest` of `agreement.created`. */
export function agreementDigest(agreement: DigestedAgreement): string {
  const { id, title, parties, purposes, documentRef, signatories } = agreement
  const { scope, terms, policyApproval, createdBy } = agreement
  return digestOf({
    id,
    title,
    parties,
    purposes,
    validFrom: agreement.validFrom.toISOString(),
    validTo: agreement.validTo.toISOString(),
    documentRef,
    signatories,
    scope,
    terms,
    policyApproval,
    createdBy,
  })
}

/** A row of `agency` at one version. */
export interface DigestedAgency {
  readonly id: string
  readonly clientId: string
  readonly parentId: string | null
  readonly name: string
  readonly sector: string
  readonly country: string
  readonly public: boolean
  readonly phases: readonly number[]
  readonly competentAuthority: boolean
  readonly nationalAuthorisationRef: string | null
  readonly jwks: object
  readonly sealingKey: Uint8Array | null
  readonly contacts: readonly unknown[]
  readonly operator: boolean
  readonly scopes: readonly string[]
  readonly suspendedAt: Date | null
  readonly version: number
}

/** Digest of an agency's entry: `agencyDigest` of `agency.created` and `agency.changed`. */
export function agencyDigest(agency: DigestedAgency): string {
  const { id, clientId, parentId, name, sector, country, phases, competentAuthority } = agency
  const { nationalAuthorisationRef, contacts, operator, scopes, version } = agency
  return digestOf({
    id,
    clientId,
    parentId,
    name,
    sector,
    country,
    public: agency.public,
    phases,
    competentAuthority,
    nationalAuthorisationRef,
    jwks: stored(agency.jwks),
    sealingKey: agency.sealingKey && encodeBase64(agency.sealingKey),
    contacts: stored(contacts),
    operator,
    scopes,
    suspendedAt: agency.suspendedAt?.toISOString() ?? null,
    version,
  })
}

/** A row of `practitioner` at one version, without the pseudonym. */
export interface DigestedPractitioner {
  readonly id: string
  readonly agencyId: string
  readonly roles: readonly string[]
  readonly trainings: readonly unknown[]
  readonly jwk: object | null
  readonly active: boolean
  readonly version: number
}

/** Digest of what a practitioner may do: `practitionerDigest` of `practitioner.created` and `.changed`. */
export function practitionerDigest(practitioner: DigestedPractitioner): string {
  const { id, agencyId, roles, trainings, jwk, active, version } = practitioner
  return digestOf({
    id,
    agencyId,
    roles,
    trainings: stored(trainings),
    jwk: jwk && stored(jwk),
    active,
    version,
  })
}

/** What of a row of `policy_version` its event does not say itself; `hash` is over the documents. */
export interface DigestedPolicyVersion {
  readonly version: number
  readonly hash: string
  readonly suites: readonly unknown[]
  readonly reason: string | null
  readonly authors: readonly object[] | null
  readonly approvals: readonly object[] | null
}

/** Digest of what a policy version came with: `versionDigest` of `policy.activated`. */
export function policyVersionDigest(policy: DigestedPolicyVersion): string {
  const { version, hash, suites, reason, authors, approvals } = policy
  return digestOf({
    version,
    hash,
    suites: stored(suites),
    reason,
    authors: authors && stored(authors),
    approvals: approvals && stored(approvals),
  })
}

/** What of a decision is kept sealed beside its event. */
export interface DigestedSeals {
  readonly facts: Uint8Array | null
  readonly notes: Uint8Array | null
  readonly notesKey: Uint8Array | null
}

/**
 * Digest of the sealed columns of a row of `disclosure`: `sealedDigest` of `disclose.decided` and
 * `disclose.previewed`, which say everything else of the row themselves. SHA-256 over the three columns
 * (`facts`, `notes_sealed`, `notes_key`), each behind its length as four bytes, big end first; an absent
 * one has the length 0xffffffff. (Without JSON: this one lies in the path of every release.)
 */
export function sealedDigest({ facts, notes, notesKey }: DigestedSeals): string {
  return encodeBase64(sha256(...[facts, notes, notesKey].flatMap(framed)))
}

function framed(bytes: Uint8Array | null): Uint8Array[] {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, bytes ? bytes.length : 0xffffffff)
  return bytes ? [length, bytes] : [length]
}

const digestOf = (row: { readonly [column: string]: Json }): string =>
  encodeBase64(sha256(new TextEncoder().encode(canonicalize(row))))

/** As it comes back out of a JSON column: members that are undefined are not there. */
const stored = (value: object): Json => JSON.parse(JSON.stringify(value)) as Json
