import type { Transfer } from './document.ts'

interface Holder {
  readonly agencyId: string
  /** `parentId`, or the agency's own id. */
  readonly organisationId: string
}

/** Whether values stay with their agency, pass inside one organisation, or leave it (R2). */
export function transferOf(source: Holder, recipient: Holder): Transfer {
  if (source.agencyId === recipient.agencyId) return 'own'
  return source.organisationId === recipient.organisationId ? 'internal' : 'external'
}
