import type * as replayGuard from '../storage/replay-guard.ts'

export type AdmitCall = (call: replayGuard.CallAtDoor) => Promise<replayGuard.Admission>

const NOT_ADMITTED: replayGuard.Admission = { suspended: false, fresh: false }

/** Most calls in one statement, so that no single one grows without bound under load. */
const LARGEST_BATCH = 200

/**
 * Asks the database about each API call at the door: is its client an agency that is not suspended,
 * and was its proof never seen. The answer is as fresh as the statement: a suspension that has
 * committed holds for the next call on every node.
 *
 * Calls that arrive while a statement is under way go together into the next one, so that under
 * load many calls share one round trip and one commit. Rejects when the database does.
 */
export function makeAdmitCall({
  pool,
  storage,
}: {
  pool: Parameters<typeof replayGuard.admitCalls>[0]
  storage: Pick<typeof replayGuard, 'admitCalls'>
}): AdmitCall {
  interface Waiting {
    readonly call: replayGuard.CallAtDoor
    readonly resolve: (admission: replayGuard.Admission) => void
    readonly reject: (error: unknown) => void
  }
  // Owned by the returned function alone.
  const queue: Waiting[] = []
  let underWay = false

  async function drain(): Promise<void> {
    underWay = true
    while (queue.length > 0) {
      const batch = queue.splice(0, LARGEST_BATCH)
      try {
        const admissions = await storage.admitCalls(
          pool,
          batch.map(({ call }) => call),
        )
        batch.forEach(({ resolve }, index) => resolve(admissions[index] ?? NOT_ADMITTED))
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    underWay = false
  }

  return (call) =>
    new Promise((resolve, reject) => {
      queue.push({ call, resolve, reject })
      if (!underWay) void drain()
    })
}
