import { compile } from '../../src/domain/policy/compile.ts'
import type {
  ForbidStatement,
  PermitStatement,
  PolicyDocument,
} from '../../src/domain/policy/document.ts'
import { diff } from '../../src/domain/policy/proof/diff.ts'
import type { DefaultPack } from '../../test/policy/default-pack.ts'
import type { Target } from '../../test/policy/pack-facts.ts'

/** A rule as plain keys, to leave some of them out. */
type Keys = Readonly<Record<string, unknown>>

/**
 * Whether a rule says the same without one of its clauses, as far as the exact diff can tell: of two
 * versions with this one rule, beside all forbids where it is a permit. So no other rule stands in for
 * it. Undefined where the language cannot leave the clause out, or the check refuses what is left.
 *
 * @param clause as `to-cedar.ts` names it
 */
export function isIdle(target: Target, clause: string, pack: DefaultPack): boolean | undefined {
  const without = drop(target, clause, pack)
  if (!without) return undefined
  const [before, after] = [target.rule, without].map((rule) => versionOf(rule, target, pack))
  return before && after && diff(before, after).empty
}

function versionOf(rule: Target['rule'], { effect, agreement }: Target, pack: DefaultPack) {
  const document: PolicyDocument = {
    policy: 'one-rule',
    title: 'One rule',
    source: ['the default pack'],
    ...(agreement ? { agreement } : {}),
    ...(effect === 'permit'
      ? { permit: [rule as PermitStatement] }
      : { forbid: [rule as ForbidStatement], permit: everything(pack) }),
  }
  const beside =
    effect === 'permit'
      ? pack.documents.map(({ permit: _, guardrail: _g, duty: _d, ...rest }) => rest)
      : []
  const { catalogue, vocabulary, nation } = pack
  const compiled = compile([document, ...beside], catalogue, vocabulary, nation)
  return compiled.ok ? compiled.program : undefined
}

/** Opens all there is, so that whatever a forbid shuts makes a difference. */
function everything({ vocabulary }: DefaultPack): readonly PermitStatement[] {
  return [
    {
      id: 'everything',
      to: { actsFor: vocabulary.actsFor },
      transfer: ['own', 'internal', 'external'],
      purpose: vocabulary.purpose,
      fields: { category: vocabulary.category },
      necessary: { because: 'nothing is hidden' },
      accurate: { contested: 'mark' },
      timely: { maxAge: 'none' },
      secure: { channel: 'any' },
      basis: {
        gdpr: ['A6-1-e'],
        art9: 'A9-2-g',
        art10: 'authorised',
        led: ['8', '10'],
        consent: 'not_needed',
      },
    },
  ]
}

function drop(
  { rule, effect }: Target,
  clause: string,
  { vocabulary }: DefaultPack,
): Target['rule'] | undefined {
  const [path = '', word] = clause.split(' ')
  const [key = '', inner] = path.split('.')
  const keys = rule as unknown as Keys
  const part = (keys[key] ?? {}) as Keys
  const changed = (more: Keys) => ({ ...rule, ...more }) as unknown as Target['rule']
  if (key === 'when' && inner === 'flags')
    return changed({
      when: { ...part, flags: (part['flags'] as string[]).filter((f) => f !== word) },
    })
  if (inner !== undefined) {
    const { [inner]: _, ...rest } = part
    return changed({ [key]: rest })
  }
  if (key === 'transfer') return changed({ transfer: ['own', 'internal', 'external'] })
  if (key === 'fields') return changed({ fields: { category: vocabulary.category } })
  if (key === 'purpose' && effect === 'permit') return changed({ purpose: vocabulary.purpose })
  if (key === 'age')
    return changed({ timely: { ...(keys['timely'] as Keys | undefined), maxAge: 'none' } })
  if (!['purpose', 'subject', 'party', 'informant', 'informantParty', 'restricted'].includes(key))
    return undefined
  const { [key]: _, ...rest } = keys
  return rest as unknown as Target['rule']
}
