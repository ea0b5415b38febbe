import { buildCatalogue } from '../domain/catalogue/catalogue.ts'
import { check } from '../domain/policy/check.ts'
import { compile } from '../domain/policy/compile.ts'
import { describeFault, type Fault } from '../domain/policy/fault.ts'
import { parsePolicy, parseSuite } from '../domain/policy/parse.ts'
import { checkSuite, runPolicyTests } from '../domain/policy/testing.ts'
import { policyVocabulary } from '../domain/policy/vocabulary.ts'
import { type PolicyFile, readPolicyFiles } from '../files/policies.ts'
import { loadRecordSchemas } from '../files/schemas.ts'
import { PROGRAM_FOLDER } from '../wire/program-folder.ts'
import { print } from './print.ts'

const load = () => {
  const catalogue = buildCatalogue(loadRecordSchemas(`${PROGRAM_FOLDER}schemas/records`))
  return { catalogue, vocabulary: policyVocabulary(catalogue) }
}

/** `ostiary policy check`: every fault of a folder at once; exit code 1 when there is one. */
export async function checkPolicies(
  folder: string,
  options: { readonly json?: boolean },
): Promise<void> {
  const { documents } = await readPolicyFiles(folder)
  const faults = faultsOf(documents)
  const told = faults.map(describeFault)
  const end =
    faults.length === 0 ? `${documents.length} documents without fault` : `${faults.length} faults`
  print(options, { documents: documents.length, faults }, [...told, end])
  if (faults.length > 0) process.exitCode = 1
}

/** `ostiary policy test`: checks, then runs the suites beside the policies; exit code 1 when anything fails. */
export async function testPolicies(
  folder: string,
  options: { readonly json?: boolean },
): Promise<void> {
  const { documents, suites } = await readPolicyFiles(folder)
  const faults = faultsOf(documents)
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

function faultsOf(documents: readonly PolicyFile[]): Fault[] {
  const { catalogue, vocabulary } = load()
  const results = documents.map(({ file, text }) => parsePolicy(text, file))
  const parsed = results.flatMap((result) => (result.ok ? [result.parsed] : []))
  return [
    ...results.flatMap((result) => (result.ok ? [] : result.faults)),
    ...check(parsed, catalogue, vocabulary),
  ]
}

function runSuites(
  documents: readonly PolicyFile[],
  suites: readonly PolicyFile[],
  faults: Fault[],
) {
  const { catalogue, vocabulary } = load()
  const parsed = documents.flatMap(({ file, text }) => {
    const result = parsePolicy(text, file)
    return result.ok ? [result.parsed.document] : []
  })
  const compiled = compile(parsed, catalogue, vocabulary)
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
