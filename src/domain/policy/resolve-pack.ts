import type { Catalogue } from '../catalogue/types.ts'
import { type Report, reporter } from './check.ts'
import type { PolicyDocument } from './document.ts'
import { type Fault, pointerTo } from './fault.ts'
import { makeHints } from './hints.ts'
import type { Parsed } from './parsed.ts'
import { profileChain } from './profile-chain.ts'
import { withoutReferences } from './references.ts'
import { type ResolvedFreshness, resolveFreshness } from './resolve-freshness.ts'
import { resolveSettings } from './resolve-settings.ts'
import {
  isPolicy,
  isProfile,
  isSettings,
  type PackDocument,
  type ResolvedSettings,
  type SettingsDocument,
  type WrittenPolicy,
} from './settings.ts'
import { droppedRules, inForce, type LeftOut, statementLists, switchFaults } from './switched.ts'
import type { PolicyVocabulary } from './vocabulary.ts'

/** More documents than any pack needs. */
export const MAX_PACK_DOCUMENTS = 500

/** More statements than any pack needs; so many are compiled in about a second. */
export const MAX_PACK_STATEMENTS = 2500

/** A pack whose settings have been put into its rules. Everything after sees `documents` alone. */
export interface ResolvedPack {
  /** Every fault of settings, profiles and references; the rest is of use only when there is none. */
  readonly faults: readonly Fault[]
  /** Statements in force; no references, no switches. */
  readonly documents: readonly PolicyDocument[]
  /** All statements as they stand in the files, in force or not, with references resolved: for `check`. */
  readonly written: readonly Parsed<PolicyDocument>[]
  readonly settings: ResolvedSettings
  /** By index of the field. */
  readonly freshness: ReadonlyMap<number, ResolvedFreshness>
  /** Ids of the profiles in force, the most general first. */
  readonly profiles: readonly string[]
  /** Statements that a switch or a profile leaves out, sorted by id. */
  readonly leftOut: readonly LeftOut[]
}

/** Resolves settings, profiles and references of a pack. Pure; the order of documents makes no difference. */
export function resolvePack(
  pack: readonly Parsed<PackDocument>[],
  catalogue: Catalogue,
  vocabulary: PolicyVocabulary,
): ResolvedPack {
  const faults: Fault[] = []
  const reportIn = (document: Omit<Parsed<unknown>, 'document'>): Report =>
    reporter(document, faults)
  const tooLarge = sizeFault(pack)
  if (tooLarge) return { ...EMPTY, faults: [tooLarge] }
  const hintOf = makeHints()
  const world = { catalogue, vocabulary, reportIn, hintOf }
  const ordered = pack.toSorted((a, b) => (idOf(a.document) < idOf(b.document) ? -1 : 1))
  const policies = ordered.filter(of(isPolicy))
  const declaring = ordered.filter(of(isSettings))
  const chain = profileChain(ordered.filter(of(isProfile)), reportIn, hintOf)
  settingsIdFaults(declaring, reportIn)
  const settings = resolveSettings(declaring, chain, world)
  const freshness = resolveFreshness(chain, world)
  const read = new Set<string>()
  const written = policies.map((parsed) => {
    const noticed = { report: reportIn(parsed), hintOf, read }
    switchFaults(parsed.document, settings, noticed)
    const document = withoutReferences(parsed.document, { settings, ...noticed })
    return { ...parsed, document: document as WrittenPolicy }
  })
  unreadFaults(declaring, read, reportIn)
  const bare = written.map(({ document }) => document)
  const dropped = droppedRules(chain, bare, reportIn, hintOf)
  const leftOut: LeftOut[] = []
  const documents = bare.map((document) => inForce(document, settings, dropped, leftOut))
  return {
    faults,
    // Without faults the substituted documents are of the shape that `grammar.ts` states.
    documents: documents as unknown as PolicyDocument[],
    written: written as unknown as Parsed<PolicyDocument>[],
    settings,
    freshness,
    profiles: chain.map(({ document }) => document.profile),
    leftOut: leftOut.sort((a, b) => (a.id < b.id ? -1 : 1)),
  }
}

function sizeFault(pack: readonly Parsed<PackDocument>[]): Fault | undefined {
  const statements = pack.reduce(
    (sum, { document }) => sum + (isPolicy(document) ? statementCount(document) : 0),
    0,
  )
  const message =
    pack.length > MAX_PACK_DOCUMENTS
      ? `a pack of more than ${MAX_PACK_DOCUMENTS} documents`
      : `a pack of more than ${MAX_PACK_STATEMENTS} statements`
  const isTooLarge = pack.length > MAX_PACK_DOCUMENTS || statements > MAX_PACK_STATEMENTS
  return isTooLarge ? { code: 'too_large', message, pointer: '' } : undefined
}

const statementCount = (document: WrittenPolicy): number =>
  statementLists(document).reduce((sum, [, statements]) => sum + statements.length, 0)

const EMPTY: Omit<ResolvedPack, 'faults'> = {
  documents: [],
  written: [],
  settings: {},
  freshness: new Map(),
  profiles: [],
  leftOut: [],
}

/** `policy partner-contact`, `settings default`, `profile austria`: unique over a pack without faults. */
export function idOf(document: PackDocument): string {
  if (isSettings(document)) return `settings ${document.settings}`
  return isProfile(document) ? `profile ${document.profile}` : `policy ${document.policy}`
}

function of<T extends PackDocument>(is: (document: PackDocument) => document is T) {
  return (parsed: Parsed<PackDocument>): parsed is Parsed<T> => is(parsed.document)
}

function settingsIdFaults(
  declaring: readonly Parsed<SettingsDocument>[],
  reportIn: (parsed: Parsed<unknown>) => Report,
): void {
  const taken = new Set<string>()
  for (const parsed of declaring) {
    const id = parsed.document.settings
    if (taken.has(id)) {
      reportIn(parsed)('duplicate_id', '/settings', `settings id \`${id}\` is already taken`)
    }
    taken.add(id)
  }
}

/** A switch that moves nothing would be believed to protect somebody. */
function unreadFaults(
  declaring: readonly Parsed<SettingsDocument>[],
  read: ReadonlySet<string>,
  reportIn: (parsed: Parsed<unknown>) => Report,
): void {
  for (const parsed of declaring) {
    for (const [name, { readBy }] of Object.entries(parsed.document.declare)) {
      if (readBy !== undefined || read.has(name)) continue
      const message = `no rule reads \`${name}\`: remove it, or say \`readBy\``
      reportIn(parsed)('no_match', pointerTo('/declare', name), message)
    }
  }
}
