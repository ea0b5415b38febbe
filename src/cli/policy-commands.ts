import type { Command } from 'commander'
import {
  activateDraft,
  approveDraft,
  checkDraft,
  createDraft,
  diffDraft,
  listDrafts,
  openDraft,
  policyHistory,
  reactivateVersion,
  showDraft,
  withdrawDraft,
} from './policy-draft.ts'

const JSON_OPTION = ['--json', 'print JSON'] as const
const AS = ['--as <practitioner>', 'id of the administrator (org_admin) who acts'] as const
const PACK = ['--pack <name>', 'default, or a folder of its `national`', 'default'] as const

/** Adds `draft …`, `history` and `reactivate` to `ostiary policy`. */
export function addDraftCommands(policy: Command): void {
  const draft = policy
    .command('draft')
    .description('a new version on its way into force: written, checked, approved, activated')
  const drafting = (name: string, description: string) =>
    draft.command(name).description(description)
  drafting('create', 'begin a draft from a folder of policies and the tests beside them')
    .argument('[folder]', 'folder with *.yaml', 'policies')
    .requiredOption(...AS)
    .option(...PACK)
    .option('--reason <text>', 'why the rules change')
    .option('--based-on <version>', 'version that it changes; absent: the one in force')
    .option(...JSON_OPTION)
    .action(createDraft)
  drafting('list', 'the drafts there are')
    .option(...JSON_OPTION)
    .action(listDrafts)
  drafting('show', 'one draft with its approvals and comments')
    .argument('<draft>')
    .option(...JSON_OPTION)
    .action(showDraft)
  drafting('check', 'find every fault, run the tests, prove the guardrails')
    .argument('<draft>')
    .option(...JSON_OPTION)
    .action(checkDraft)
  drafting('diff', 'who would gain or lose which fields')
    .argument('<draft>')
    .option('--against <version>', 'absent: the one in force')
    .option(...JSON_OPTION)
    .action(diffDraft)
  drafting('open', 'open it for comment by every agency that may read policies')
    .argument('<draft>')
    .requiredOption(...AS)
    .option('--until <time>', 'end of the time for comments')
    .option(...JSON_OPTION)
    .action(openDraft)
  drafting('approve', 'sign it, and what it changes, as a second administrator')
    .argument('<draft>')
    .requiredOption(...AS)
    .requiredOption('--key <file>', 'file with the private JWK of the approver')
    .requiredOption('--seen <hash>', 'hash of the difference that `draft diff` showed')
    .option(...JSON_OPTION)
    .action(approveDraft)
  drafting('activate', 'put it in force')
    .argument('<draft>')
    .requiredOption(...AS)
    .option(...JSON_OPTION)
    .action(activateDraft)
  drafting('withdraw', 'end it')
    .argument('<draft>')
    .requiredOption(...AS)
    .option(...JSON_OPTION)
    .action(withdrawDraft)
  policy
    .command('history')
    .description('every version: who, when, why')
    .option(...JSON_OPTION)
    .action(policyHistory)
  policy
    .command('reactivate')
    .description('begin a draft that brings an older version back')
    .argument('<version>')
    .requiredOption(...AS)
    .option('--reason <text>', 'why')
    .option(...JSON_OPTION)
    .action(reactivateVersion)
}
