/** Scenarios as data: what a file may say, and how it is read. The words are those of `scenario.schema.json`. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import addFormats from 'ajv-formats'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import type { ActsFor, PractitionerRole, Sector } from '../../src/domain/case/vocabulary.ts'

/** `ana`, `marko`, `lea`, or somebody whom a step has brought in. */
export type PersonName = string
export type Words = string | readonly string[]
type Values = Readonly<Record<string, unknown>>

export interface Scenario {
  readonly title: string
  readonly source: Words
  readonly note?: string
  readonly given?: Given
  readonly steps: readonly Step[]
}

export interface Given {
  readonly at?: string
  readonly cast?: 'shared' | 'own'
  readonly agreements?: readonly AgreementStep[]
  readonly agencies?: Readonly<Record<string, NewcomerAgency>>
  readonly people?: Readonly<Record<string, NewcomerPerson>>
}

export interface NewcomerAgency {
  readonly name: string
  readonly sector: Sector
  readonly public?: boolean
  readonly partOf?: string
  readonly roles: readonly PractitionerRole[]
  readonly actsFor: ActsFor | 'nobody'
}

export interface NewcomerPerson {
  readonly of: string
  readonly roles: readonly PractitionerRole[]
  readonly trainings?: Readonly<Record<string, string>>
}

export interface AgreementStep {
  readonly as?: string
  readonly between: readonly string[]
  readonly purposes: readonly string[]
  readonly from: string
  readonly to: string
  readonly scope?: string
  readonly terms?: readonly string[]
}

/** Where values come from. */
export interface Origin {
  readonly informant: string
  readonly toldBy?: PersonName
  readonly kind?: 'fact' | 'assessment' | 'statement'
  readonly collectedAt?: string
  /** Absent: when they were collected. */
  readonly verifiedAt?: string | 'never'
  readonly conditions?: readonly string[]
}

export interface Question {
  readonly about: PersonName
  readonly purpose: string
  readonly fields: readonly string[]
  readonly justification?: string
  readonly ethicsNote?: string
  readonly exception?: { readonly code: string; readonly note: string }
}

export interface ConsentStep {
  readonly from: PersonName
  readonly items: readonly {
    readonly purpose: string
    readonly to: string
    readonly roles?: readonly string[]
    readonly fields: readonly string[]
  }[]
  readonly explicit?: boolean
  readonly separate?: boolean
  readonly conditionOfService?: boolean
  readonly coercionChecked?: boolean
  readonly inAbsenceOfOtherParty?: boolean
  readonly expiresAt?: string
}

/** One step: exactly one of the verbs, which the schema sees to. */
export interface Step {
  readonly case?: string
  readonly by?: string
  readonly at?: string
  readonly in?: 'the other case'
  readonly as?: string
  readonly expect?: Expectation
  readonly deposit?: Origin & { type: string; about?: PersonName; fields: Values }
  readonly amend?: Origin & { record: string; fields: Values }
  readonly verify?: { record: string; fields: readonly string[] }
  readonly contest?: {
    record: string
    fields: readonly string[]
    contestedBy?: PersonName
    note?: string
  }
  readonly consent?: ConsentStep
  readonly withdraw?: string
  readonly agree?: AgreementStep
  readonly accept?: string
  readonly terminate?: string
  readonly ask?: Question
  readonly preview?: Question
  readonly repeat?: string
  readonly review?: { of: string; decision: 'approve' | 'refuse'; note?: string }
  readonly release?: string
  readonly see?:
    | 'case'
    | 'duties'
    | 'intake'
    | 'notices'
    | 'reviews'
    | 'received'
    | 'made'
    | 'agency'
    | 'agreements'
  readonly activate?: string
  readonly train?: { person: string; trainings: Readonly<Record<string, string>> }
  readonly bring?: { role: string; called: PersonName }
  readonly join?: { agency: string; actsFor: string }
  readonly leave?: string
  readonly clocks?: 'run'
}

export interface Expectation {
  readonly status?: number
  readonly code?: string
  readonly outcome?: 'full' | 'partial' | 'none' | 'review'
  readonly entries?: 'none' | Readonly<Record<string, EntriesExpectation>>
  readonly items?: readonly Values[]
  readonly body?: Values
  readonly persons?: readonly PersonName[]
  readonly members?: readonly string[]
  readonly audit?: readonly AuditExpectation[]
  readonly sameAs?: string
}

export type EntriesExpectation =
  'absent' | 'released' | 'withheld' | EntryExpectation | readonly EntryExpectation[]

export interface EntryExpectation {
  readonly outcome?: string
  readonly value?: unknown
  readonly from?: string
  readonly informant?: string
  readonly kind?: string
  readonly collectedAt?: string
  readonly verifiedAt?: string
  readonly version?: number
  readonly tests?: Values
  readonly fails?: Words
  readonly reasons?: Words
  readonly remedies?: readonly string[]
  readonly rules?: Words
  readonly obligations?: Words
  readonly basis?: Values
  readonly stale?: boolean
  readonly contested?: boolean
  readonly transfer?: string
  readonly transform?: string
  readonly exception?: string
  readonly expiresAt?: string
  readonly review?: Values
}

export interface AuditExpectation {
  readonly type: string
  readonly agency?: string
  readonly public?: Values
  readonly private?: Values
}

const folder = fileURLToPath(new URL('.', import.meta.url))

/** Every scenario of this folder, by file name. Throws for a file that says something it cannot mean. */
export function readScenarios(): ReadonlyMap<string, Scenario> {
  const read = scenarioReader()
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
  return new Map(
    files.sort().map((name) => [name, read(name, readFileSync(folder + name, 'utf8'))]),
  )
}

/** Reads one scenario from its text; throws an error that names every fault. */
export function scenarioReader(): (name: string, text: string) => Scenario {
  const schema: object = JSON.parse(readFileSync(`${folder}scenario.schema.json`, 'utf8'))
  const ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    strictTypes: false,
    allErrors: true,
  })
  addFormats.default(ajv)
  const isScenario = ajv.compile<Scenario>(schema)
  return (name, text) => {
    const scenario: unknown = parse(text)
    if (isScenario(scenario)) return scenario
    throw new Error(`${name}: ${ajv.errorsText(isScenario.errors, { separator: '\n  ' })}`)
  }
}

/** One word or several, as a list. */
export const listOf = (words: Words | undefined): readonly string[] =>
  words === undefined ? [] : [words].flat()
