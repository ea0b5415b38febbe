import { loadConfig } from '../config.ts'
import { LAWFUL_USES } from '../domain/audit/vocabulary.ts'
import { withExplanations } from '../wire/explanations.ts'
import { print } from './print.ts'

/** `ostiary policy explain`: why a past decision came out as it did; for the operator of the server. */
export async function explainDecision(
  id: string,
  options: { readonly use: string; readonly json?: boolean },
): Promise<void> {
  const use = LAWFUL_USES.find((one) => one === options.use)
  if (!use) throw new Error(`--use is one of ${LAWFUL_USES.join(', ')}`)
  const explained = await withExplanations(loadConfig(), (past) => past.explain(id, use))
  if (!explained) throw new Error('there is no decision of that id')
  const { kind, purpose, decidedAt, policy, facts, text, outcome = '' } = explained
  print(options, explained, [
    `${kind} for ${purpose}, decided ${decidedAt}: ${outcome}`,
    `policy version ${policy.version}, ${policy.hash}`,
    `facts: ${facts ?? 'none'}`,
    '',
    text,
  ])
}
