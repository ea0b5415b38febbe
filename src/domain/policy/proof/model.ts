import { mayActFor } from '../../case/parties.ts'
import { PARTY_OF } from '../../case/provenance.ts'
import type { Sector } from '../../case/vocabulary.ts'
import type { FieldDefinition } from '../../catalogue/types.ts'
import { PERSON_INFORMANTS } from '../consent.ts'
import type { Program } from '../program.ts'
import { SHELTERED_INFORMANTS } from '../shield.ts'
import { type Asker, Recorder } from './asker.ts'
import { type ClaimModel, claimModel } from './claims.ts'
import { aboutParty, tellerAmong } from './conditions.ts'
import { NEVER, type Node } from './diagrams.ts'
import {
  consentLive,
  forbidModel,
  type ForbidModel,
  grounded,
  permitModel,
  type PermitModel,
  tooOld,
} from './rules.ts'
import { MEMBERSHIPS, Space } from './space.ts'

/** One program as functions over a space that it may share with another. */
export interface ProgramModel {
  readonly program: Program
  readonly permits: readonly PermitModel[]
  readonly forbids: readonly ForbidModel[]
  readonly claims: readonly ClaimModel[]
}

export interface Models {
  readonly space: Space
  /** Requests that can happen, but for what depends on the field. */
  readonly possible: Node
  readonly of: readonly ProgramModel[]
}

/** Builds the space that some programs of one catalogue and vocabulary need together, and their models. */
export function modelsOf(programs: readonly Program[]): Models {
  const recorder = new Recorder()
  programs.forEach((program) => {
    modelOf(recorder, program)
    fieldQuestions(recorder, program)
  })
  possible(recorder, programs)
  shelter(recorder, programs)
  const [first] = programs
  if (!first) throw new Error('a model needs a program')
  const space = new Space(recorder, first.vocabulary)
  return {
    space,
    possible: possible(space, programs),
    of: programs.map((program) => modelOf(space, program)),
  }
}

function modelOf(ask: Asker, program: Program): ProgramModel {
  const { vocabulary, catalogue } = program
  const roles = vocabulary.personRole
  const trainings = program.permits.flatMap((permit) => permit.training)
  return {
    program,
    permits: program.permits.map((permit) => permitModel(ask, permit, roles)),
    forbids: program.forbids.map((forbid) => forbidModel(ask, forbid, roles)),
    claims: program.guardrails.map((guardrail) =>
      claimModel(ask, guardrail, catalogue, vocabulary, trainings),
    ),
  }
}

/** Asks whatever is asked later field by field, so that the recorder has heard it. */
function fieldQuestions(ask: Asker, program: Program): void {
  ask.holds('approved')
  consentLive(ask, true)
  consentLive(ask, false)
  for (const field of program.catalogue.fields) possibleOf(ask, program, field)
  for (const permit of program.permits)
    for (const field of program.catalogue.fields) {
      tooOld(ask, program, permit, field)
      if (field.index === 0) grounded(ask, program, permit, field)
    }
}

/**
 * What the server sees to before any rule is asked: for whom agencies of a sector may act, that an
 * agency is like itself, and that what the victim, the perpetrator or a child told names a person who is
 * that. Everything else counts as possible, also what no sensible person would enter.
 */
function possible(ask: Asker, programs: readonly Program[]): Node {
  const { diagrams } = ask
  const sectors = programs[0]?.vocabulary.sector ?? []
  // First, so that both are known as lists of words even where no rule names one: `same` asks for that.
  const acting = ['', 'from.'].map((of) =>
    diagrams.any(
      MEMBERSHIPS.map((one) => {
        const open = sectors.filter((word) => one === 'none' || mayActForWord(word).includes(one))
        return diagrams.and(ask.among(`${of}sector`, open), ask.among(`${of}actsFor`, [one]))
      }),
    ),
  )
  const own = ask.among('transfer', ['own'])
  const alike = diagrams.all([
    ask.same('sector'),
    ask.same('actsFor'),
    ask.same('competentAuthority'),
    ask.same('public'),
  ])
  const fitting = diagrams.all(
    PERSON_INFORMANTS.map((informant) =>
      diagrams.or(
        diagrams.not(ask.among('informant', [informant])),
        tellerAmong(ask, [PARTY_OF[informant] ?? '']),
      ),
    ),
  )
  return diagrams.all([diagrams.or(diagrams.not(own), alike), fitting, ...acting])
}

/** A sector that only another vocabulary knows may act for anybody. */
function mayActForWord(sector: string): readonly string[] {
  const known: readonly string[] | undefined = mayActFor(sector as Sector)
  return known ?? MEMBERSHIPS
}

/** The perpetrator's side asks for something of victim or child; the field itself may locate them, too. */
export interface Shelter {
  readonly member: Node
  readonly hisSide: Node
  readonly ofHers: Node
}

export function shelter(ask: Asker, programs: readonly Program[]): Shelter {
  const { diagrams } = ask
  const roles = programs[0]?.vocabulary.personRole ?? []
  return {
    member: ask.among('actsFor', MEMBERSHIPS.slice(1)),
    hisSide: ask.among('actsFor', ['perpetrator']),
    ofHers: diagrams.any([
      ask.among('informant', SHELTERED_INFORMANTS),
      tellerAmong(ask, ['victim', 'child']),
      aboutParty(ask, ['victim', 'child'], roles),
      ask.among('from.actsFor', ['none', 'victim', 'child']),
    ]),
  }
}

/**
 * Whom values of a field can be about: the person asked about, if that person is of a party of which
 * such records are kept, or the case as a whole.
 */
export function possibleOf(ask: Asker, program: Program, field: FieldDefinition): Node {
  const { diagrams } = ask
  const record = program.catalogue.recordsByType[field.record]?.subjects ?? field.subjects
  const about = [record, field.subjects].map((subjects) =>
    subjects.includes('any')
      ? ask.among('about', ['subject'])
      : aboutParty(ask, subjects, program.vocabulary.personRole),
  )
  const ofCase = record.includes('case') ? ask.among('about', ['case']) : NEVER
  return diagrams.or(ofCase, diagrams.all(about))
}
