import type { FieldDefinition } from '../../catalogue/types.ts'
import { legalClassOf } from '../legal-regime.ts'
import type { Box } from './conditions.ts'
import type { ProgramModel } from './model.ts'

/** Fields that no rule or guardrail of some programs tells apart; the first stands for all. */
export type FieldClass = readonly [FieldDefinition, ...FieldDefinition[]]

/** Parts the fields of a catalogue, in its order. */
export function fieldClasses(models: readonly ProgramModel[]): readonly FieldClass[] {
  const [first] = models
  const boxes = models.flatMap(boxesOf)
  const classes = new Map<string, FieldDefinition[]>()
  for (const field of first?.program.catalogue.fields ?? []) {
    const key = JSON.stringify([signature(boxes, field), ...builtIn(models, field)])
    const known = classes.get(key)
    if (known) known.push(field)
    else classes.set(key, [field])
  }
  return [...classes.values()] as unknown as readonly FieldClass[]
}

function boxesOf({ permits, forbids, claims }: ProgramModel): readonly Box[] {
  return [...permits, ...forbids, ...claims].flatMap((rule) => [
    ...rule.boxes,
    ...rule.leftOutBoxes,
  ])
}

function signature(boxes: readonly Box[], field: FieldDefinition): string {
  return boxes.map(({ fields }) => (fields.has(field.index) ? '1' : '0')).join('')
}

/** What decisions ask of a field beside the rules' own clauses. */
function builtIn(models: readonly ProgramModel[], field: FieldDefinition): readonly unknown[] {
  const { special, criminal } = legalClassOf(field)
  const { record, locates, subjects } = field
  const catalogue = models[0]?.program.catalogue
  const about = catalogue?.recordsByType[record]?.subjects ?? subjects
  return [
    special,
    criminal,
    locates.includes('victim') || locates.includes('child'),
    models.map(({ program }) => program.freshness[field.index]),
    about,
    subjects,
  ]
}
