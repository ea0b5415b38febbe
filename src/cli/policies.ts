import { buildCatalogue } from '../domain/catalogue/catalogue.ts'
import type { Program } from '../domain/policy/compile.ts'
import { type CompiledPack, compileWrittenPack } from '../domain/policy/compile-pack.ts'
import { describeFault, type Fault } from '../domain/policy/fault.ts'
import { parseSuite } from '../domain/policy/parse.ts'
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

export type Words = ReturnType<typeof loadVocabulary>

const faultsOf = (compiled: CompiledPack): readonly Fault[] => (compiled.ok ? [] : compiled.faults)

/** `ostiary policy check`: every fault of a pack at once; exit code 1 when there is one. */
export async function checkPolicies(
  folder: string,
  options: PackOptions & { readonly settings?: boolean },
): Promise<void> {
  const { documents } = await readPolicyPack(folder, options.pack)
  const compiled = compileFiles(documents, loadVocabulary())
  const { resolved } = compiled
  const faults = faultsOf(compiled)
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
  const words = loadVocabulary()
  const compiled = compileFiles(documents, words)
  const faults = [...faultsOf(compiled)]
  const results = compiled.ok ? runSuites(compiled.program, suites, words, faults) : []
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

/** A pack on disk, compiled or with every fault that it has. */
export function compileFiles(documents: readonly PolicyFile[], { catalogue, vocabulary }: Words) {
  return compileWrittenPack(documents, catalogue, vocabulary)
}

function runSuites(
  program: Program,
  suites: readonly PolicyFile[],
  { catalogue, vocabulary }: Words,
  faults: Fault[],
) {
  return suites.flatMap(({ file, text }) => {
    const suite = parseSuite(text, file)
    const found = suite.ok ? checkSuite(suite.parsed, catalogue, vocabulary) : suite.faults
    faults.push(...found)
    return suite.ok && found.length === 0
      ? runPolicyTests(program, catalogue, suite.parsed.document)
      : []
  })
}
