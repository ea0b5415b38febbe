/** An event as it is stored, held against its entry in the log. */
import { canonicalize, type Json } from '../log/canonical.ts'
import { commitmentOfText, decodeEntry, SALT_BYTES } from '../log/entry.ts'
import { equalBytes } from '../log/hash.ts'

/** A row of `audit_event`. */
export interface StoredEvent {
  readonly id: string
  readonly at: Date
  readonly type: string
  readonly agencyId: string | null
  readonly practitionerId: string | null
  readonly caseId: string | null
  readonly subjectId: string | null
  readonly requestId: string | null
  readonly publicPart: string
  readonly privatePart: string
}

/** A row of `audit_salt`. */
export interface StoredSalts {
  readonly publicSalt: Uint8Array
  readonly privateSalt: Uint8Array
}

/** One part of an event as parsed. */
export type Part = { readonly [name: string]: Json }

/** An event that is what its entry says. */
export interface OpenedEvent {
  readonly event: StoredEvent
  readonly header: Part
  readonly public: Part
  /** Parsed when it is first asked for. */
  readonly private: Part
  /** 64 bytes. */
  readonly entry: Uint8Array
}

/** Columns of the row that repeat the header, by its members. */
const COLUMNS = [
  'id',
  'type',
  'agencyId',
  'practitionerId',
  'caseId',
  'subjectId',
  'requestId',
] as const

/**
 * The event, if both commitments of the entry open to its texts and every column repeats the header in
 * them; undefined otherwise.
 */
export function openEvent(
  event: StoredEvent,
  salts: StoredSalts,
  entry: Uint8Array,
): OpenedEvent | undefined {
  const committed = decodeEntry(entry)
  if (
    !committed ||
    !opens(salts.publicSalt, event.publicPart, committed.public) ||
    !opens(salts.privateSalt, event.privatePart, committed.private)
  )
    return undefined
  // What opens is what was sealed, to the byte: it need not be written again to see that.
  const told = JSON.parse(event.publicPart) as Part
  const header = told['event'] as Part
  return isRepeated(event, header) ? opened(event, header, told, entry) : undefined
}

/**
 * The event, if its columns repeat the header of both of its parts: all that can be said of one whose
 * salts were destroyed.
 */
export function readEvent(event: StoredEvent, entry: Uint8Array): OpenedEvent | undefined {
  const told = partOf(event.publicPart)
  const hidden = partOf(event.privatePart)
  const header = told?.['event'] as Part | undefined
  if (!told || !hidden || !header || !isRepeated(event, header)) return undefined
  if (canonicalize(hidden['event'] ?? null) !== canonicalize(header)) return undefined
  return opened(event, header, told, entry)
}

function opened(event: StoredEvent, header: Part, told: Part, entry: Uint8Array): OpenedEvent {
  return {
    event,
    header,
    public: told,
    get private() {
      return JSON.parse(event.privatePart) as Part
    },
    entry,
  }
}

function opens(salt: Uint8Array, text: string, committed: Uint8Array): boolean {
  return salt.length === SALT_BYTES && equalBytes(commitmentOfText(salt, text), committed)
}

function isRepeated(event: StoredEvent, header: Part): boolean {
  return (
    COLUMNS.every((name) => (header[name] ?? null) === event[name]) &&
    header['at'] === event.at.toISOString()
  )
}

/** The parsed part, if its text is the canonical one of an object. */
function partOf(text: string): Part | undefined {
  try {
    const value = JSON.parse(text) as Json
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined
    return canonicalize(value) === text ? (value as Part) : undefined
  } catch {
    return undefined
  }
}
