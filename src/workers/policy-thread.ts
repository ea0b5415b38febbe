/** Entry of a thread that examines one pack, or compares two, and ends. It holds nobody up but itself. */
import { parentPort, workerData } from 'node:worker_threads'
import { buildCatalogue } from '../domain/catalogue/catalogue.ts'
import type { JsonSchema } from '../domain/catalogue/types.ts'
import { comparePacks, examinePack, type PackSource } from '../domain/policy/examine-pack.ts'
import { diff } from '../domain/policy/proof/diff.ts'
import { prove } from '../domain/policy/proof/prove.ts'

/** What the thread is started with. */
export interface PolicyTask {
  /** Of `schemas/records`: the catalogue is built from them anew. */
  readonly schemas: readonly JsonSchema[]
  readonly work:
    | { readonly examine: PackSource }
    | { readonly compare: Pair }
    | { readonly examineAgainst: Pair }
}

interface Pair {
  readonly before: PackSource
  readonly after: PackSource
}

const { schemas, work } = workerData as PolicyTask
const catalogue = buildCatalogue(schemas)
parentPort?.postMessage(resultOf())

function resultOf(): unknown {
  if ('examine' in work) return examinePack(work.examine, catalogue, prove)
  const compared = ({ before, after }: Pair) => comparePacks(before, after, catalogue, diff)
  if ('compare' in work) return compared(work.compare)
  const examination = examinePack(work.examineAgainst.after, catalogue, prove)
  return { examination, comparison: compared(work.examineAgainst) }
}
