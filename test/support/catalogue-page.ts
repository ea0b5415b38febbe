/** The page `docs/catalogue.md`: every field on one line, for people who write or check policies. */
import { FLAG_DEFINITIONS } from '../../src/domain/catalogue/policy-flags.ts'
import {
  CATEGORY_MEANINGS,
  INFORMANT_MEANINGS,
  RELATIVE_INFORMANT_MEANINGS,
} from '../../src/domain/catalogue/types.ts'
import type {
  Catalogue,
  FieldDefinition,
  Freshness,
  RecordDefinition,
} from '../../src/domain/catalogue/types.ts'

/** The whole page as Markdown, a pure function of the catalogue. */
export function cataloguePage(catalogue: Catalogue): string {
  const { records, fields } = catalogue
  return `# Field catalogue

Generated from \`schemas/records/\` by \`npm run generate\`; edit the schemas instead.

${records.length} record types, ${fields.length} fields. Policies name a field as \`record_type.field\`, a group as
\`record_type/group\`, all fields of a record type as \`record_type.*\`.

- **Categories**: ${list(CATEGORY_MEANINGS)}.
- **Locates**: whom the value locates, or could endanger by locating, whoever the subject of the
  record is; \`subject\` is the party of that subject.
- **Informants**: ${list(INFORMANT_MEANINGS)}; ${list(RELATIVE_INFORMANT_MEANINGS)}.
- **Fresh**: how long a value counts as fresh after it was verified; an event never goes stale but is
  shown with its date; static values are identity-like.
- **Text**: † marks fields that hold free text.

${records.map(recordSection).join('\n')}
## Policy flags

Derived from values at deposit, kept encrypted, opened only to decide, never released. Where sectors
are named, the flag counts only if an agency of one of them deposited the value.

${table(
  ['Flag', 'Meaning', 'Attested by', 'Raised by'],
  Object.entries(FLAG_DEFINITIONS).map(([flag, { meaning, attestedBy }]) => [
    `\`${flag}\``,
    meaning,
    attestedBy?.join(', ') ?? 'anybody',
    fields.flatMap((field) => raisedBy(field, flag)).join('<br>'),
  ]),
)}`
}

function recordSection(record: RecordDefinition): string {
  return `## ${record.title}: \`${record.type}\`

${record.description} Subject: ${record.subjects.join(', ')}.

${table(
  ['Field', 'Group', 'Category', 'Locates', 'Informants', 'Fresh', 'Value', 'What it says'],
  record.fields.map((field) => [
    `\`${field.name}\`${field.text ? ' †' : ''}`,
    `\`${field.group}\``,
    field.categories.join(', '),
    field.locates.join(', '),
    field.informants.join(', '),
    freshness(field.freshness),
    value(field),
    `**${field.title}.** ${field.description}`,
  ]),
)}`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('')
}

function list(meanings: Readonly<Record<string, string>>): string {
  return Object.entries(meanings)
    .map(([code, meaning]) => `${code} ${meaning}`)
    .join(', ')
}

function freshness(fresh: Freshness): string {
  if (fresh.kind !== 'days') return fresh.kind
  const shorter = Object.entries(fresh.whenFlag ?? {})
  return [`${fresh.days} d`, ...shorter.map(([flag, days]) => `${days} d if \`${flag}\``)].join(
    ', ',
  )
}

function value({ type, list, codes }: FieldDefinition): string {
  const shape = list ? `${type} list` : type
  return codes ? `${shape}: ${codes.join(', ')}` : shape
}

function raisedBy(field: FieldDefinition, flag: string): string[] {
  return field.flags
    .filter((one) => one.flag === flag)
    .map(({ when }) => {
      if ('present' in when) return `\`${field.id}\` is there`
      const codes = 'in' in when ? when.in.join(' or ') : String(when.equals)
      return `\`${field.id}\` is ${codes}`
    })
}
