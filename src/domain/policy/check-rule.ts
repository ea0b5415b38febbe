import { selectFields, UnknownSelectorError } from '../catalogue/select.ts'
import type { Catalogue, FieldDefinition } from '../catalogue/types.ts'
import type { Report } from './check.ts'
import type {
  DutyStatement,
  FieldClause,
  ForbidStatement,
  GuardrailStatement,
  PermitStatement,
  RecipientClause,
  WhenClause,
} from './document.ts'
import { legalFaults } from './legal.ts'
import { fieldsAlways, fieldsEver, isAttributes, resolveFields } from './selection.ts'
import { isApplicable } from './transform.ts'

/** Faults of one statement that need the catalogue or the law to see. */
export function ruleFaults(
  kind: 'permit' | 'forbid' | 'duty' | 'guardrail',
  rule: PermitStatement | ForbidStatement | DutyStatement | GuardrailStatement,
  pointer: string,
  catalogue: Catalogue,
  report: Report,
): void {
  if (kind === 'duty') {
    selectorFaults(
      (rule as DutyStatement).when.recorded,
      `${pointer}/when/recorded`,
      catalogue,
      report,
    )
    return
  }
  const statement = rule as PermitStatement | ForbidStatement | GuardrailStatement
  clauseFaults(statement.fields, `${pointer}/fields`, catalogue, report)
  if (statement.except?.fields) {
    clauseFaults(statement.except.fields, `${pointer}/except/fields`, catalogue, report)
  }
  countryFaults(statement.to, `${pointer}/to`, report)
  whenFaults(statement.when, `${pointer}/when`, report)
  if (kind === 'permit') permitFaults(rule as PermitStatement, pointer, catalogue, report)
  if (kind === 'guardrail') claimFaults(rule as GuardrailStatement, pointer, report)
}

/** A guardrail claims one thing: what never happens, or what always does. */
function claimFaults(guardrail: GuardrailStatement, pointer: string, report: Report): void {
  if ((guardrail.never === undefined) !== (guardrail.always === undefined)) return
  report('bad_value', pointer, 'a guardrail has either `never` or `always`')
}

function permitFaults(
  permit: PermitStatement,
  pointer: string,
  catalogue: Catalogue,
  report: Report,
): void {
  const fields = openedFields(permit, catalogue)
  for (const { at, message } of legalFaults(permit, fields)) {
    report('legal', `${pointer}/${at}`, message)
  }
  const { transform } = permit
  if (!transform) return
  const unfit = fields.filter((field) => !isApplicable(transform, field))
  if (unfit.length > 0) {
    const names = unfit
      .slice(0, 5)
      .map((field) => `\`${field.id}\``)
      .join(', ')
    report('not_applicable', `${pointer}/transform`, `\`${transform}\` does not fit ${names}`)
  }
}

/** Fields that a permit can release: those it names, less those it leaves out altogether. */
function openedFields(permit: PermitStatement, catalogue: Catalogue): readonly FieldDefinition[] {
  const named = fieldsEver(resolveFields(permit.fields, catalogue))
  const out = permit.except?.fields
    ? fieldsAlways(resolveFields(permit.except.fields, catalogue))
    : new Set<number>()
  return catalogue.fields.filter(({ index }) => named.has(index) && !out.has(index))
}

function clauseFaults(
  clause: FieldClause,
  pointer: string,
  catalogue: Catalogue,
  report: Report,
): void {
  const parts = isAttributes(clause) ? [clause] : clause
  parts.forEach((part, i) => {
    const at = isAttributes(clause) ? pointer : `${pointer}/${i}`
    if (typeof part === 'string') selectorFaults(part, at, catalogue, report)
    else if (resolveFields(part, catalogue).length === 0) {
      report('no_match', at, 'no field of the catalogue has these attributes')
    }
  })
}

function selectorFaults(selector: string, at: string, catalogue: Catalogue, report: Report): void {
  try {
    selectFields(catalogue, selector)
  } catch (error) {
    if (!(error instanceof UnknownSelectorError)) throw error
    const message = `\`${selector}\` matches no field of the catalogue`
    report('no_match', at, message, error.nearest ?? undefined)
  }
}

/** A rule for nobody would look as if it did something. */
function countryFaults(to: RecipientClause | undefined, pointer: string, report: Report): void {
  const { country, notCountry = [] } = to ?? {}
  if (!country?.every((code) => notCountry.includes(code))) return
  report('bad_value', `${pointer}/notCountry`, 'leaves out every country that `country` names')
}

function whenFaults(when: WhenClause | undefined, pointer: string, report: Report): void {
  const both = (when?.noFlags ?? []).filter((flag) => when?.flags?.includes(flag))
  for (const flag of both) {
    report('bad_value', pointer, `\`${flag}\` cannot both hold and not hold`)
  }
}
