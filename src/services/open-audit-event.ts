import { type AuditView, type LawfulUse, OWN_PRIVATE_TYPES } from '../domain/audit/vocabulary.ts'
import { entryName, type RecordedEntry } from '../domain/disclosure/recorded-event.ts'
import type { Json } from '../domain/log/canonical.ts'
import { OstiaryError } from '../errors.ts'
import type * as auditAccess from '../storage/audit-access.ts'
import type { AuditEventForReader, AuditNoteRow, OwnShare } from '../storage/audit-access.ts'
import type { Transact } from '../storage/transaction.ts'
import type { Vault } from '../vault/vault.ts'
import type { Acting } from './acting.ts'
import { requireAuditReader } from './audit-reader.ts'
import type { Caller } from './caller.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import { type AuditLinks, linksOf, present } from './search-audit-log.ts'

/** An opened event, as far as its reader may know it; never a value. */
export interface OpenedAuditEvent {
  readonly id: string
  readonly at: string
  readonly type: string
  /** As what the reader sees it. */
  readonly views: readonly AuditView[]
  readonly agencyId?: string
  readonly practitionerId?: string
  readonly role?: string
  readonly caseId?: string
  readonly subjectId?: string
  readonly requestId?: string
  /** What whoever acted saw. */
  readonly public?: Json
  /** The rest; for a supervisory authority, and where it is nothing but the reader's own. */
  readonly private?: Json
  /** For a source: what was asked, and what became of its own records, with the true causes. */
  readonly source?: {
    readonly asked: Json
    readonly records: readonly string[]
    readonly entries: readonly Json[]
  }
  /** What was changed of the reader's own entry. */
  readonly changed?: Json
  /** What somebody wrote with it in own words. */
  readonly notes?: readonly AuditNote[]
  readonly links: AuditLinks
}

/** Own words of whoever acted; `erased` once the person’s key was destroyed. */
export interface AuditNote {
  readonly kind: 'justification' | 'ethics_note' | 'exception_note' | AuditNoteRow['kind']
  readonly state: 'opened' | 'erased' | 'unreadable'
  readonly text?: string
}

export interface OpenAuditDependencies {
  readonly acting: Acting
  readonly transact: Transact
  readonly storage: Pick<typeof auditAccess, 'findAuditEvent' | 'listAuditNotes'>
  readonly vault: Pick<Vault, 'openText'>
  readonly recordEvent: RecordEvent
}

/**
 * Opens one event. That it was opened, by whom and for which lawful use is committed before anything
 * that was written in own words is decrypted. Throws `not_permitted` for another role, `not_found` for
 * an event that does not concern the caller's agency, as for one that is not there.
 */
export function makeOpenAuditEvent(deps: OpenAuditDependencies) {
  return async (caller: Caller, id: string, lawfulUse: LawfulUse): Promise<OpenedAuditEvent> => {
    const row = await deps.acting(
      caller,
      { operation: 'getAuditEvent', target: id },
      async (tx) => {
        requireAuditReader(caller)
        const found = await deps.storage.findAuditEvent(tx, id)
        if (!found) throw new OstiaryError('not_found')
        await deps.recordEvent(tx, {
          ...calledBy(caller),
          type: 'consult.log_event_viewed',
          ...(found.case_id === null ? {} : { caseId: found.case_id }),
          ...(found.subject_id === null ? {} : { subjectId: found.subject_id }),
          public: { eventId: id, lawfulUse, views: viewsOf(found) },
          private: {},
        })
        return found
      },
    )
    const notes =
      row.actor || row.authority
        ? await deps.transact(caller.agencyId, (tx) => deps.storage.listAuditNotes(tx, id))
        : []
    return {
      ...openedEvent(row),
      ...noteMembers(notes.flatMap((note) => openNote(deps.vault, note))),
    }
  }
}

/** An event without its notes, for whom all of it is open that is in `row`. */
export function openedEvent(row: AuditEventForReader): OpenedAuditEvent {
  const publicPart = readJson(row.public_part)
  const privatePart = readJson(row.private_part)
  const asked = publicPart ?? row.own?.asked ?? {}
  const { disclosureId } = asked as { readonly disclosureId?: unknown }
  const { type } = row
  return {
    id: row.id,
    at: row.at.toISOString(),
    type,
    views: viewsOf(row),
    ...present({
      agencyId: row.agency_id,
      practitionerId: row.practitioner_id,
      role: row.role,
      caseId: row.case_id,
      subjectId: row.subject_id,
      requestId: row.request_id,
    }),
    ...(publicPart === undefined ? {} : { public: publicPart }),
    // The database goes by its own list; this one has to agree before anything leaves.
    ...(privatePart !== undefined && (row.authority || isOwnPrivate(type))
      ? { private: privatePart }
      : {}),
    ...(row.own ? { source: sourceShare(row.own) } : {}),
    ...(row.changed ? { changed: row.changed } : {}),
    links: linksOf({
      id: row.id,
      type,
      disclosureId: typeof disclosureId === 'string' ? disclosureId : null,
      proven: row.actor || row.authority,
    }),
  }
}

const isOwnPrivate = (type: string): boolean =>
  (OWN_PRIVATE_TYPES as readonly string[]).includes(type)

function viewsOf({ actor, authority, source, concerned }: AuditEventForReader): AuditView[] {
  return [
    ...(actor ? (['actor'] as const) : []),
    ...(source ? (['source'] as const) : []),
    ...(concerned ? (['concerned'] as const) : []),
    ...(authority ? (['whole'] as const) : []),
  ]
}

/** Entries of a source's own records: what was told, the true cause in its place where that was another. */
function sourceShare({ asked, records, entries, hidden }: OwnShare) {
  const causes = new Map(hidden.map((entry) => [entryName(entry), entry]))
  const told = new Set(entries.map(entryName))
  const seen = entries.map((entry) => ({
    ...entry,
    ...causes.get(entryName(entry)),
    silent: false,
  }))
  const silent = hidden
    .filter((entry) => !told.has(entryName(entry)))
    .map((entry: RecordedEntry) => ({ ...entry, outcome: 'withheld', silent: true }))
  return { asked, records, entries: [...seen, ...silent] }
}

const NOTE_NAMES = {
  justification: 'justification',
  ethicsNote: 'ethics_note',
  exceptionNote: 'exception_note',
} as const

/** The texts of one row: the notes of a request lie together. */
export function openNote(vault: Pick<Vault, 'openText'>, row: AuditNoteRow): AuditNote[] {
  const { kind, id, subject_key: wrapped, key_epoch: epoch } = row
  if (!wrapped || epoch === null) return [{ kind, state: 'erased' }]
  const opened = vault.openText(
    { kind, id, ownerId: row.owner_id, agencyId: row.agency_id },
    { wrapped, epoch },
    { sealed: row.sealed, wrappedKey: row.wrapped_key },
  )
  if (!opened.opened) return [{ kind, state: 'unreadable' }]
  const { value } = opened
  if (typeof value === 'string') return [{ kind, state: 'opened', text: value }]
  const texts = value as Readonly<Record<string, unknown>>
  return Object.entries(NOTE_NAMES).flatMap(([member, name]) => {
    const text = texts[member]
    return typeof text === 'string' ? [{ kind: name, state: 'opened' as const, text }] : []
  })
}

const noteMembers = (notes: readonly AuditNote[]) => (notes.length > 0 ? { notes } : {})

const readJson = (text: string | null): Json | undefined =>
  text === null ? undefined : (JSON.parse(text) as Json)
