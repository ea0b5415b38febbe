import { Readable } from 'node:stream'

/** Text that is made as it is taken; `stop` ends it early. */
export interface Pieces {
  next(): Promise<string | undefined>
  stop(): Promise<void>
}

/** Bytes that may wait for a slow reader; nothing more is asked of the source until they are taken. */
const WAITING = 65_536

/**
 * A stream that takes one piece after the other as its reader takes them. Whatever ends it early (the
 * reader went away, the server stops) stops the source as well, which gets to do what it does at its end.
 */
export function pieceStream(pieces: Pieces): Readable {
  return new Readable({
    highWaterMark: WAITING,
    read() {
      pieces.next().then(
        (piece) => this.push(piece ?? null),
        (error: unknown) => this.destroy(asError(error)),
      )
    },
    destroy(error, callback) {
      pieces.stop().then(
        () => callback(error),
        (cause: unknown) => callback(error ?? asError(cause)),
      )
    },
  })
}

const asError = (cause: unknown): Error =>
  cause instanceof Error ? cause : new Error('the source failed', { cause })
