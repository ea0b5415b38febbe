import type { Glossary } from '../../domain/policy/glossary.ts'
import type { Call, Handlers } from '../call.ts'
import { contentTag, isKnown } from '../conditional.ts'

/** Handler for the shared definitions; they are the same for everybody and change with the program. */
export function glossaryHandlers(glossary: Glossary): Handlers {
  const etag = contentTag(glossary)
  return {
    async getGlossary({ request }: Call) {
      if (isKnown(request.headers['if-none-match'], etag)) return { status: 304, headers: { etag } }
      return { status: 200, body: glossary, headers: { etag } }
    },
  }
}
