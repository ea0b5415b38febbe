import { buildCatalogue } from '../domain/catalogue/catalogue.ts'
import { checkPack } from '../domain/policy/check-pack.ts'
import { compileParsedPack } from '../domain/policy/compile-pack.ts'
import { describeFault, type Fault } from '../domain/policy/fault.ts'
import { parseDocument, parseSuite } from '../domain/policy/parse.ts'
import type { ResolvedPack } from '../domain/policy/resolve-pack.ts'
import { checkSuite, runPolicyTests } from '../domain/policy/testing.ts'
import { policyVocabulary } from '../domain/policy/vocabulary.ts'
import { type PolicyFile, readPolicyPack } from '../files/policies.ts'
import { loadRecordSchemas } from '../files/schemas.ts'
import { PROGRAM_FOLDER } from '../wire/program-folder.ts'
import { settingLines, settingsJson } from './policy-settings.ts'
import { print } from './print.ts'

/** What `policy check` and `policy test` may be told. */
export interface PackOptions {
  readonly json?: boolean
  /** `default`, or a folder of `national` in the folder of policies. */
  readonly pack: string
}

/** The words and fields that this program's policies may speak of. */
export function loadVocabulary() {
  const catalogue = buildCatalogue(loadRecordSchemas(`${PROGRAM_FOLDER}schemas/records`))
  return { catalogue, vocabulary: policyVocabulary(catalogue) }
}

/** `ostiary policy check`: every fault of a pack at once; exit code 1 when there is one. */
export async function checkPolicies(
  folder: string,
  options: PackOptions & { readonly settings?: boolean },
): Promise<void> {
  const { documents } = await readPolicyPack(folder, options.pack)
  const { faults, resolved } = checkFiles(documents)
  const told = faults.map(describeFault)
  const end =
    faults.length === 0 ? `${documents.length} documents without fault` : `${faults.length} faults`
  const settings = options.settings
    ? { lines: settingLines(resolved), json: settingsJson(resolved) }
    : { lines: [], json: {} }
  print(options, { documents: documents.length, faults, ...settings.json }, [
    ...settings.lines,
    ...told,
    end,
  ])
  if (faults.length > 0) process.exitCode = 1
}

/** `ostiary policy test`: checks, then runs the suites beside the policies; exit code 1 when anything fails. */
export async function testPolicies(folder: string, options: PackOptions): Promise<void> {
  const { documents, suites } = await readPolicyPack(folder, options.pack)
  const { faults } = checkFiles(documents)
  const results = faults.length === 0 ? runSuites(documents, suites, faults) : []
  const failed = results.filter(({ problems }) => problems.length > 0)
  const lines = [
    ...faults.map(describeFault),
    ...failed.flatMap(({ suite, case: name, problems }) => [
      `${suite}: ${name}`,
      ...problems.map((problem) => `  ${problem}`),
    ]),
    `${results.length - failed.length} passed, ${failed.length} failed${faults.length > 0 ? `, ${faults.length} faults` : ''}`,
  ]
  print(options, { faults, results }, lines)
  if (failed.length > 0 || faults.length > 0) process.exitCode = 1
}

function checkFiles(documents: readonly PolicyFile[]): { faults: Fault[]; resolved: ResolvedPack } {
  const { catalogue, vocabulary } = loadVocabulary()
  const results = documents.map(({ file, text }) => parseDocument(text, file))
  const parsed = results.flatMap((result) => (result.ok ? [result.parsed] : []))
  const resolved = checkPack(parsed, catalogue, vocabulary)
  const unread = results.flatMap((result) => (result.ok ? [] : result.faults))
  return { faults: [...unread, ...resolved.faults], resolved }
}

function runSuites(
  documents: readonly PolicyFile[],
  suites: readonly PolicyFile[],
  faults: Fault[],
) {
  const { catalogue, vocabulary } = loadVocabulary()
  const parsed = documents.flatMap(({ file, text }) => {
    const result = parseDocument(text, file)
    return result.ok ? [result.parsed] : []
  })
  const compiled = compileParsedPack(parsed, catalogue, vocabulary)
  if (!compiled.ok) {
    faults.push(...compiled.faults)
    return []
  }
  return suites.flatMap(({ file, text }) => {
    const suite = parseSuite(text, file)
    const found = suite.ok ? checkSuite(suite.parsed, catalogue, vocabulary) : suite.faults
    faults.push(...found)
    return suite.ok && found.length === 0
      ? runPolicyTests(compiled.program, catalogue, suite.parsed.document)
      : []
  })
}
