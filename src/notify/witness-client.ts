/** Asks a witness over HTTP: https://c2sp.org/tlog-witness, "add-checkpoint". */

/** What a witness answered, or that it could not be asked. */
export type WitnessReply =
  | {
      readonly reached: true
      readonly status: number
      readonly type: string
      readonly body: string
    }
  | { readonly reached: false }

/** Sends a request to the witness with this submission prefix. Never rejects. */
export type AskWitness = (prefix: string, body: string) => Promise<WitnessReply>

/**
 * How long one answer may take, in milliseconds: no longer than to the next tick of the log, so that one
 * that hangs holds up nothing; and long enough to reach another country.
 */
export function patienceFor(tick: number): number {
  return Math.min(8_000, Math.max(1_000, tick * 0.8))
}

/** Most bytes of an answer that are read; sixty-four cosignatures of the usual kind are 12 kB. */
const MOST_BYTES = 65_536

/**
 * Redirects are not followed: the address is the one that was configured, and whoever answers there
 * does not choose another. What answers too long or too late was not reached, nor is anybody once
 * `stopped`.
 */
export function makeAskWitness(
  patience: number,
  stopped: AbortSignal = new AbortController().signal,
): AskWitness {
  return async (prefix, body) => {
    try {
      const response = await fetch(`${prefix.replace(/\/+$/, '')}/add-checkpoint`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        redirect: 'manual',
        signal: AbortSignal.any([stopped, AbortSignal.timeout(patience)]),
      })
      const text = await bodyOf(response)
      if (text === undefined) return { reached: false }
      const type = response.headers.get('content-type') ?? ''
      return { reached: true, status: response.status, type, body: text }
    } catch {
      return { reached: false }
    }
  }
}

async function bodyOf(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    // Leaving the loop gives the connection up.
    if (length > MOST_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
