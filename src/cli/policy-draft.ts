/** `ostiary policy draft …`: the way of a new version into force, at the server itself. */
import { readFile } from 'node:fs/promises'
import { CompactSign, importJWK, type JWK } from 'jose'
import { loadConfig } from '../config.ts'
import { describeFault } from '../domain/policy/fault.ts'
import { readPolicyPack } from '../files/policies.ts'
import { OstiaryError } from '../errors.ts'
import type { DraftSummary } from '../services/draft-view.ts'
import type { DraftDifference, DraftReport } from '../services/examine-draft.ts'
import {
  type PolicyAdministration,
  withPolicyAdministration,
} from '../wire/policy-administration.ts'
import { print } from './print.ts'

interface Printed {
  readonly json?: boolean
}

/** `--as <practitioner id>`: who acts, as an administrator of their agency. */
interface Acting extends Printed {
  readonly as: string
}

/** `ostiary policy draft create`: a folder of policies, with the tests beside them, as a draft. */
export async function createDraft(
  folder: string,
  options: Acting & { readonly pack: string; readonly reason?: string; readonly basedOn?: string },
): Promise<void> {
  const { documents, suites } = await readPolicyPack(folder, options.pack)
  const { reason, basedOn } = options
  const { draft } = await at(options, (policies, caller) =>
    policies.createDraft(caller, {
      documents: documents.map(({ text }) => text),
      suites: suites.map(({ text }) => text),
      ...(reason === undefined ? {} : { reason }),
      ...(basedOn === undefined ? {} : { basedOn: numberOf(basedOn) }),
    }),
  )
  print(options, draft, summaryLines(draft))
}

/** `ostiary policy draft list`: the drafts there are, newest first. */
export async function listDrafts(options: Printed): Promise<void> {
  const { items } = await at(options, (policies, caller) =>
    policies.listDrafts(caller, { limit: 100 }),
  )
  const lines = items.map(({ id, state, basedOn, reason = '' }) =>
    `${id}  ${state.padEnd(9)}  based on ${basedOn}  ${reason}`.trimEnd(),
  )
  print(options, { items }, lines.length > 0 ? lines : ['no drafts'])
}

/** `ostiary policy draft show`: one draft with its approvals and what was said to it. */
export async function showDraft(id: string, options: Printed): Promise<void> {
  const { draft, comments } = await at(options, async (policies, caller) => ({
    draft: (await policies.viewDraft(caller, id)).draft,
    comments: (await policies.listComments(caller, id, { limit: 1000 })).items,
  }))
  const said = comments.map(({ agencyId, text }) => `comment:      ${agencyId}: ${text}`)
  print(options, { ...draft, comments }, [...summaryLines(draft), ...said])
}

/** `ostiary policy draft check`: faults, tests, guardrails; exit code 1 unless all is well. */
export async function checkDraft(id: string, options: Printed): Promise<void> {
  const report = await at(options, (policies, caller) => policies.checkDraft(caller, id))
  print(options, report, reportLines(report))
  if (!report.sound) process.exitCode = 1
}

/** `ostiary policy draft diff`: who would gain or lose what. */
export async function diffDraft(
  id: string,
  options: Printed & { readonly against?: string },
): Promise<void> {
  const { against } = options
  const shown = await at(options, (policies, caller) =>
    policies.diffDraft(caller, id, against === undefined ? {} : { against: numberOf(against) }),
  )
  print(options, shown, differenceLines(shown))
}

/** `ostiary policy draft open`: for comment by everybody who may read policies. */
export async function openDraft(
  id: string,
  options: Acting & { readonly until?: string },
): Promise<void> {
  const { until } = options
  const { draft } = await at(options, (policies, caller) =>
    policies.openForComment(caller, id, until === undefined ? {} : { until: timeOf(until) }),
  )
  print(options, draft, summaryLines(draft))
}

/**
 * `ostiary policy draft approve`: signs the draft and its difference with the approver's own key. Only
 * the difference of `--seen`, which `diff` printed: a draft that was changed since is not signed unread.
 */
export async function approveDraft(
  id: string,
  options: Acting & { readonly key: string; readonly seen: string },
): Promise<void> {
  const jwk = JSON.parse(await readFile(options.key, 'utf8')) as JWK
  const { draft, shown } = await at(options, async (policies, caller) => {
    const difference = await policies.diffDraft(caller, id, {})
    const { draftId, hash, diffHash } = difference
    if (diffHash !== options.seen)
      throw new Error('the difference is another one than `--seen`: look at it with `diff` first')
    const signature = await sign(jwk, { draftId, hash, diffHash })
    const approved = await policies.approveDraft(caller, id, { signature })
    return { draft: approved.draft, shown: difference }
  })
  print(options, draft, [...differenceLines(shown), '', ...summaryLines(draft)])
}

/** `ostiary policy draft activate`: puts it in force on every node. */
export async function activateDraft(id: string, options: Acting): Promise<void> {
  const version = await at(options, (policies, caller) => policies.activatePolicy(caller, id))
  print(options, version, [`version ${version.version} is in force, ${version.hash}`])
}

/** `ostiary policy draft withdraw`. */
export async function withdrawDraft(id: string, options: Acting): Promise<void> {
  const { draft } = await at(options, (policies, caller) => policies.withdrawDraft(caller, id))
  print(options, draft, summaryLines(draft))
}

/** `ostiary policy reactivate`: a draft that brings an older version back. */
export async function reactivateVersion(
  version: string,
  options: Acting & { readonly reason?: string },
): Promise<void> {
  const { reason } = options
  const { draft } = await at(options, (policies, caller) =>
    policies.reactivatePolicy(caller, numberOf(version), reason === undefined ? {} : { reason }),
  )
  print(options, draft, summaryLines(draft))
}

/** `ostiary policy history`: every version with who, when and why. */
export async function policyHistory(options: Printed): Promise<void> {
  const items = await at(options, (policies) => policies.versions.versions(undefined, 1000))
  const lines = items.flatMap((one) => [
    `${one.active ? '*' : ' '} ${one.version}  ${one.createdAt}  ${one.hash}`,
    ...(one.reason === undefined ? [] : [`     why:      ${one.reason}`]),
    ...(one.authors ?? []).map(({ practitionerId }) => `     author:   ${practitionerId}`),
    ...(one.approvals ?? []).map(({ practitionerId }) => `     approved: ${practitionerId}`),
  ])
  print(options, { items }, lines)
}

/** Runs `work` as the practitioner of `--as`; says what a problem means instead of its code. */
async function at<Result>(
  options: Printed & { readonly as?: string },
  work: (
    policies: PolicyAdministration,
    caller: Awaited<ReturnType<PolicyAdministration['callerOf']>>,
  ) => Promise<Result>,
): Promise<Result> {
  try {
    return await withPolicyAdministration(loadConfig(), async (policies) =>
      work(policies, await policies.callerOf(options.as)),
    )
  } catch (error) {
    if (!(error instanceof OstiaryError)) throw error
    const details = (error.errors ?? []).map(({ pointer, detail }) => `${pointer} ${detail}`)
    const said = [error.detail, ...details].filter((text) => text !== undefined)
    throw new Error([error.code, ...said].join(': '), { cause: error })
  }
}

async function sign(jwk: JWK, payload: object): Promise<string> {
  const alg = jwk.kty === 'OKP' ? 'EdDSA' : 'ES256'
  return new CompactSign(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader({ alg })
    .sign(await importJWK(jwk, alg))
}

function summaryLines(draft: DraftSummary): string[] {
  return [
    `draft:        ${draft.id} (${draft.state})`,
    `based on:     version ${draft.basedOn}`,
    `content:      ${draft.hash}`,
    ...(draft.reason === undefined ? [] : [`why:          ${draft.reason}`]),
    ...draft.authors.map(({ practitionerId }) => `author:       ${practitionerId}`),
    ...(draft.commentUntil === undefined ? [] : [`comments:     until ${draft.commentUntil}`]),
    ...draft.approvals.map(
      ({ practitionerId, valid }) => `approval:     ${practitionerId}${valid ? '' : ' (void)'}`,
    ),
  ]
}

function reportLines({ faults, tests, proof, sound }: DraftReport): string[] {
  const broken = proof?.guardrails.filter(({ holds }) => !holds) ?? []
  return [
    ...faults.map(describeFault),
    ...tests.failed.flatMap(({ suite, case: name, problems }) => [
      `${suite}: ${name}`,
      ...problems.map((problem) => `  ${problem}`),
    ]),
    ...broken.flatMap(({ id, title, counterexample }) => [
      `guardrail ${id} does not hold${title ? `: ${title}` : ''}`,
      ...(counterexample
        ? [
            `  a request that could happen: ${JSON.stringify(counterexample.situation)}`,
            `  let through by ${counterexample.rules.join(', ')}`,
          ]
        : []),
    ]),
    `${faults.length} faults, ${tests.passed} tests pass, ${tests.failed.length} fail, ${proof?.guardrails.length ?? 0} guardrails, ${broken.length} broken`,
    sound ? 'it can be approved and activated' : 'it cannot be activated',
  ]
}

function differenceLines({
  against,
  empty,
  changes,
  statements,
  suites,
  diffHash,
}: DraftDifference): string[] {
  return [
    `against version ${against.version}:`,
    ...(empty ? ['nothing changes in what leaves'] : changes.map(({ text }) => `  ${text}`)),
    ...statements.map(({ kind, id, change }) => `  ${kind} ${id} ${change}`),
    ...suites.removed.map((name) => `  tests ${name} removed`),
    ...suites.changed.map((name) => `  tests ${name} changed`),
    ...suites.added.map((name) => `  tests ${name} added`),
    `to approve this: --seen ${diffHash}`,
  ]
}

function numberOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`\`${text}\` is not a version`)
  return Number(text)
}

function timeOf(text: string): string {
  const at = new Date(text)
  if (Number.isNaN(at.getTime())) throw new Error(`\`${text}\` is not a time`)
  return at.toISOString()
}
