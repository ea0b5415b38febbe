// The prover answers for all requests at once; here the engine answers for them one by one.
import fc from 'fast-check'
import t from 'tap'

import { canonicalize, type Json } from '../../src/domain/log/canonical.ts'
import { decide } from '../../src/domain/policy/decide.ts'
import type {
  ForbidStatement,
  GuardrailStatement,
  PolicyDocument,
} from '../../src/domain/policy/document.ts'
import type { Program } from '../../src/domain/policy/program.ts'
import { type ClaimModel, claimOn } from '../../src/domain/policy/proof/claims.ts'
import type { Node, Point } from '../../src/domain/policy/proof/diagrams.ts'
import { diff } from '../../src/domain/policy/proof/diff.ts'
import { effectOf, effectOfVerdict, Effects } from '../../src/domain/policy/proof/effects.ts'
import { fieldClasses } from '../../src/domain/policy/proof/field-classes.ts'
import { modelsOf, possibleOf, shelter } from '../../src/domain/policy/proof/model.ts'
import { FieldModel } from '../../src/domain/policy/proof/outcomes.ts'
import { guardedOutcome, prove } from '../../src/domain/policy/proof/prove.ts'
import type { Space } from '../../src/domain/policy/proof/space.ts'
import { factsAt, situationAt } from '../../src/domain/policy/proof/witness.ts'
import type { FieldDefinition } from '../../src/domain/catalogue/types.ts'
import type { Verdict } from '../../src/domain/policy/verdict.ts'
import { forbidBody, pack } from './arbitraries.ts'
import { program, SEED } from './support.ts'

/** A point where a function holds, drawn by numbers; attributes that it does not ask are drawn, too. */
function pointIn(space: Space, node: Node, draws: () => number): Point {
  const { diagrams, names } = space
  const point: number[] = names.map((name) => draws() % space.classesOf(name).length)
  for (let at = node; diagrams.levelOf(at) < diagrams.levels;) {
    const level = diagrams.levelOf(at)
    const branches = diagrams.branchesOf(at)
    const open = branches.flatMap((child, i) => (child === 0 ? [] : [i]))
    const branch = open[draws() % open.length] ?? 0
    point[level] = branch
    at = branches[branch] ?? 0
  }
  return point
}

/** xorshift32: whole numbers that come again with the seed. */
function drawsFrom(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1
  return () => {
    state = (state ^ (state << 13)) >>> 0
    state = (state ^ (state >>> 17)) >>> 0
    state = (state ^ (state << 5)) >>> 0
    return state
  }
}

function verdictAt(of: Program, space: Space, point: Point, field: FieldDefinition): Verdict {
  const [verdict] = decide(of, factsAt(space, point, field)).verdicts
  if (!verdict) throw new Error('one value gives one verdict')
  return verdict
}

function told(space: Space, point: Point, field: FieldDefinition, verdict: Verdict): string {
  const why = 'reasons' in verdict ? verdict.reasons : verdict.rules
  return `${JSON.stringify(why)} ${JSON.stringify(situationAt(space, point, field))}`
}

t.test(
  'outcomes of the proof are those of the engine, at random points of random packs',
  async (t) => {
    const met = new Map<string, number>()
    fc.assert(
      fc.property(pack, fc.nat(), (documents, seed) => {
        const compiled = program(documents)
        const models = modelsOf([compiled])
        const { space, possible } = models
        const { diagrams } = space
        const fields = new FieldModel(models, models.of[0] as never, shelter(space, [compiled]))
        const draws = drawsFrom(seed)
        for (const members of fieldClasses(models.of)) {
          const outcomes = fields.outcomes(members[0])
          const can = diagrams.and(possible, possibleOf(space, compiled, members[0]))
          // The interesting parts are small, so points are drawn from each of them.
          const regions = [can, ...Object.values(outcomes).map((one) => diagrams.and(one, can))]
          for (const region of regions.filter((one) => one !== 0)) {
            for (let i = 0; i < 4; i++) {
              const point = pointIn(space, region, draws)
              const field = members[draws() % members.length] ?? members[0]
              const verdict = verdictAt(compiled, space, point, field)
              const outcome = guardedOutcome(verdict)
              met.set(outcome ?? 'silent', (met.get(outcome ?? 'silent') ?? 0) + 1)
              for (const [name, node] of Object.entries(outcomes)) {
                const said = diagrams.valueAt(node, point) === 1
                if (said !== (outcome === name))
                  throw new Error(
                    `${field.id}: the engine says ${outcome ?? 'silent'}, the proof ${said ? '' : 'not '}${name}: ${told(space, point, field, verdict)}`,
                  )
              }
            }
          }
        }
      }),
      { numRuns: 60, seed: SEED },
    )
    for (const outcome of ['released', 'generalised', 'review', 'told', 'silent'])
      t.ok((met.get(outcome) ?? 0) > 200, `${outcome} ${met.get(outcome)} times`)
  },
)

t.test(
  'effects are those of the engine, terms and all; a diff knows every point that differs',
  async (t) => {
    let differing = 0
    let same = 0
    fc.assert(
      fc.property(pack, pack, fc.nat(), (documents, others, seed) => {
        // Versions that share documents, as drafts do.
        const next: PolicyDocument[] = [...documents.slice(1), ...renamed(others).slice(0, 1)]
        const programs = [program(documents), program(next)] as const
        const models = modelsOf(programs)
        const { space, possible } = models
        const { diagrams } = space
        const sheltered = shelter(space, programs)
        const effects = new Effects()
        const draws = drawsFrom(seed)
        const sides = models.of.map((model) => new FieldModel(models, model, sheltered))
        let differs = false
        for (const members of fieldClasses(models.of)) {
          const [first] = members
          const can = diagrams.and(possible, possibleOf(space, programs[0], first))
          const [old = 0, now = 0] = sides.map((side, i) =>
            effectOf(space, side, sheltered, first, effects, programs[i]?.ledPurposes ?? []),
          )
          const change = diagrams.and(
            diagrams.combine(old, now, (a, b) => (a === b ? 0 : 1)),
            can,
          )
          differs ||= change !== 0
          const regions = [can, change, diagrams.and(can, sides[1]?.outcomes(first).released ?? 0)]
          for (const region of regions.filter((one) => one !== 0)) {
            for (let i = 0; i < 3; i++) {
              const point = pointIn(space, region, draws)
              const field = members[draws() % members.length] ?? first
              const [a, b] = programs.map((of, side) => {
                const verdict = verdictAt(of, space, point, field)
                const engine = canonicalize(effectOfVerdict(verdict) as unknown as Json)
                const proof = canonicalize(
                  effects.at(diagrams.valueAt(side === 0 ? old : now, point)) as unknown as Json,
                )
                if (engine !== proof)
                  throw new Error(
                    `${field.id}: ${engine} but ${proof}: ${told(space, point, field, verdict)}`,
                  )
                return engine
              })
              if (a === b) same++
              else differing++
              if ((a !== b) !== (diagrams.valueAt(change, point) === 1))
                throw new Error(`${field.id}: the diff is wrong about ${JSON.stringify(point)}`)
            }
          }
        }
        if (diff(...programs).empty === differs) throw new Error('empty, and yet something differs')
      }),
      { numRuns: 6, seed: SEED },
    )
    t.ok(differing > 300 && same > 300, `${differing} points differ, ${same} do not`)
  },
)

/** Points of a slice: some attributes run through all their classes, the others stay as drawn. */
function sliceOf(space: Space, can: Node, draws: () => number, most: number): readonly Point[] {
  const fixed = pointIn(space, can, draws).map((one) => one ?? 0)
  const order = space.names.map((_, level) => level).sort(() => (draws() % 2) * 2 - 1)
  let points: readonly (readonly number[])[] = [fixed]
  for (const level of order) {
    const classes = space.classesOf(space.names[level] ?? '').length
    if (points.length * classes > most) continue
    points = points.flatMap((point) =>
      Array.from({ length: classes }, (_, one) => point.with(level, one)),
    )
  }
  return points
}

t.test('a guardrail holds exactly where trying every request of a slice breaks none', async (t) => {
  let breaking = 0
  let held = 0
  let tried = 0
  fc.assert(
    fc.property(
      pack,
      fc.array(forbidBody, { minLength: 3, maxLength: 3 }),
      fc.nat(),
      (documents, bodies, seed) => {
        const guardrail = bodies.map((body, i): GuardrailStatement => {
          const { to, purpose, subject, party, fields, informant, informantParty, from, transfer } =
            body as ForbidStatement
          const clauses = {
            to,
            purpose,
            subject,
            party,
            fields,
            informant,
            informantParty,
            from,
            transfer,
          }
          const stated = Object.fromEntries(Object.entries(clauses).filter(([, clause]) => clause))
          const outcomes = ([['released'], ['generalised', 'review'], ['told']] as const)[i % 3]
          const claim = { id: `G-${i}`, title: 'made up', source: ['made up'], never: outcomes }
          return { ...stated, ...claim } as unknown as GuardrailStatement
        })
        const [first, ...rest] = documents
        if (!first) return
        const compiled = program([{ ...first, guardrail }, ...rest])
        const report = new Map(prove(compiled).guardrails.map((one) => [one.id, one]))
        const models = modelsOf([compiled])
        const { space, possible } = models
        const { diagrams } = space
        const draws = drawsFrom(seed)
        const classes = fieldClasses(models.of)
        const fields = new FieldModel(models, models.of[0] as never, shelter(space, [compiled]))
        for (let i = 0; i < 6; i++) {
          const field = (classes[draws() % classes.length] as readonly [FieldDefinition])[0]
          const can = diagrams.and(possible, possibleOf(space, compiled, field))
          // Around a request that breaks a claim, if one does, else around one that it speaks of.
          const around = models.of[0]?.claims[i % 3] as ClaimModel
          const spoken = diagrams.and(claimOn(diagrams, around, field), can)
          const outcomes = fields.outcomes(field)
          const named = (around.guardrail.never ?? []).map((outcome) => outcomes[outcome])
          const broken = diagrams.and(spoken, diagrams.any(named))
          const start = [broken, spoken, can].find((one) => one !== 0)
          for (const point of start ? sliceOf(space, start, draws, 150) : []) {
            if (diagrams.valueAt(can, point) === 0) continue
            tried++
            const outcome = guardedOutcome(verdictAt(compiled, space, point, field))
            for (const claim of models.of[0]?.claims ?? []) {
              const speaks = diagrams.valueAt(claimOn(diagrams, claim, field), point) === 1
              const breaks = speaks && outcome && claim.guardrail.never?.includes(outcome)
              const result = report.get(claim.guardrail.id)
              if (breaks && result?.holds)
                throw new Error(
                  `${field.id}: proven, and yet ${JSON.stringify(situationAt(space, point, field))}`,
                )
              if (breaks) breaking++
              else if (speaks && result?.holds) held++
            }
          }
        }
      },
    ),
    { numRuns: 40, seed: SEED },
  )
  t.ok(
    tried > 3000 && breaking > 50 && held > 100,
    `${tried} tried, ${breaking} broke, ${held} held`,
  )
})

/** With other ids, so that documents of two packs can stand in one. */
function renamed(documents: readonly PolicyDocument[]): readonly PolicyDocument[] {
  const text = JSON.stringify(documents)
    .replaceAll(/"policy":"/g, '"policy":"other-')
    .replaceAll(/"id":"/g, '"id":"O-')
  return JSON.parse(text) as PolicyDocument[]
}
