import type {
  ForbidConsidered,
  Freshness,
  PermitConsidered,
  ScopeClause,
  ValueExplanation,
} from './explanation.ts'
import { REASON_TEST } from './reasons.ts'
import type { Verdict } from './verdict.ts'

/** An explanation in lines for people to read: a block for each value. Never a value. */
export function explanationLines(values: readonly ValueExplanation[]): string[] {
  return values.flatMap(valueLines)
}

function valueLines(explained: ValueExplanation): string[] {
  const { verdict, regime, consent, forbids, permits, failure } = explained
  const head = `${verdict.field.id} (record ${verdict.recordId}, version ${verdict.version})`
  const lines = [`${head}: ${verdictWords(verdict)}`]
  if (failure) lines.push('  what was known of it could not be read, so no rule was tried')
  if (regime) lines.push(`  regime: ${regime === 'led' ? 'Directive (EU) 2016/680' : 'GDPR'}`)
  if (consent)
    lines.push(`  consent: ${consent.state}${consent.consentId ? ` (${consent.consentId})` : ''}`)
  lines.push(...forbids.map((forbid) => `  ${forbidWords(forbid)}`))
  lines.push(...permits.map((permit) => `  ${permitWords(permit)}`))
  if (!failure && forbids.length + permits.length === 0) lines.push('  no rule names the field')
  return lines
}

function verdictWords(verdict: Verdict): string {
  const { outcome, rules, silent } = verdict
  const by = rules.length > 0 ? ` by ${rules.join(', ')}` : ''
  if (verdict.outcome !== 'withheld') {
    const transform = 'transform' in verdict && verdict.transform ? ` as ${verdict.transform}` : ''
    return `${outcome}${transform}${by}`
  }
  // Several rules may give the same reason.
  const codes = new Set(verdict.reasons.map(({ code }) => code))
  return `${outcome}${silent ? ' silently' : ''}${by}: ${[...codes].join(', ')}`
}

function forbidWords({ rule, title, mismatches, result }: ForbidConsidered): string {
  const head = `forbid ${rule}${titled(title)}`
  if (result === undefined) return `${head}: does not apply${unfit(mismatches)}`
  return `${head}: ${FORBID_WORDS[result]}`
}

const FORBID_WORDS = {
  stands: 'stands',
  excluded: 'leaves this value out',
  condition_not_met: 'its condition did not hold',
  lifted_by_consent: 'lifted by consent',
  lifted_by_exception: 'lifted by the claimed exception',
} as const

function permitWords(permit: PermitConsidered): string {
  const { rule, title, mismatches, reasons, agreement, freshness } = permit
  const head = `permit ${rule}${titled(title)}`
  if (mismatches.length > 0) return `${head}: does not apply${unfit(mismatches)}`
  if (!reasons) return `${head}: not reached`
  const extra = [
    ...(agreement === 'alert' ? ['no agreement in force, alerted'] : []),
    ...(freshness ? [ageWords(freshness)] : []),
  ]
  const more = extra.length > 0 ? ` (${extra.join('; ')})` : ''
  if (reasons.length === 0) return `${head}: passes all four tests${more}`
  const failed = reasons.map((code) => `${REASON_TEST[code]} fails: ${code}`).join('; ')
  return `${head}: ${failed}${more}`
}

function ageWords({ age, limit, state }: Freshness): string {
  const days = `${age} days old`
  if (limit === null) return `${days}, no limit`
  return `${days}, limit ${limit}${state === 'marks' ? ', marked as stale' : ''}`
}

const titled = (title: string | undefined): string => (title ? ` “${title}”` : '')

const unfit = (mismatches: readonly ScopeClause[]): string => ` (${mismatches.join(', ')})`
