/** Where a log can be read: a server, a folder that was exported, anything with its paths. */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bundle, narrowBundle } from '../domain/log/bundle.ts'
import { MAX_NOTE_BYTES } from '../domain/log/note.ts'
import {
  bundlePath,
  type BundleRef,
  narrowTile,
  type Tile,
  TILE_WIDTH,
  tileFrom,
  tilePath,
  type TileRef,
  widthAt,
} from '../domain/log/tile.ts'
import { Trouble } from './verify-report.ts'

/**
 * Fetches what lies under a path below the log's prefix, such as `checkpoint` or `tile/0/000`;
 * undefined where the log says that there is nothing. Rejects when it could not be asked.
 */
export type Read = (path: string) => Promise<Uint8Array | undefined>

/** Most bytes of an answer that are read: a bundle of 256 of the longest entries. */
const MOST_BYTES = Math.max(MAX_NOTE_BYTES, 256 * (2 + 0xffff))

/** How long one answer may take, in milliseconds. */
const PATIENCE = 30_000

/** Reads a log from a URL (`http:`, `https:`) or else from a folder. */
export function readerOf(source: string): Read {
  return /^https?:\/\//i.test(source) ? httpReader(source) : directoryReader(source)
}

/**
 * Reads a log over HTTP.
 *
 * @param url origin of the server, or the prefix of any log (ending in `/log`, or in `/` where the
 *   log lies elsewhere)
 * @throws TypeError for what is not a URL
 */
export function httpReader(url: string): Read {
  const base = new URL(url)
  const prefix = base.pathname.replace(/\/+$/, '')
  const isWhole = prefix.endsWith('/log') || (prefix !== '' && base.pathname.endsWith('/'))
  base.pathname = isWhole ? `${prefix}/` : `${prefix}/log/`
  return async (path) => {
    const response = await fetch(new URL(path, base), { signal: AbortSignal.timeout(PATIENCE) })
    if (response.status === 404) {
      await response.body?.cancel()
      return undefined
    }
    if (response.status !== 200) throw new Error('the log did not answer')
    return bodyOf(response)
  }
}

/** The body, unless it is longer than anything that a log serves. */
async function bodyOf(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > MOST_BYTES) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

/** Reads a log from a folder laid out as it is served. */
export function directoryReader(directory: string): Read {
  return async (path) => {
    try {
      await using file = await open(join(directory, path), 'r')
      const { size } = await file.stat()
      if (size > MOST_BYTES) throw new Error('the file is too long')
      return new Uint8Array(await file.readFile())
    } catch (error) {
      const { code } = error as { code?: unknown }
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      throw error
    }
  }
}

/** What lies under a path. Throws {@link Trouble} `unreachable`. */
export async function ask(read: Read, path: string): Promise<Uint8Array | undefined> {
  try {
    return await read(path)
  } catch {
    throw new Trouble('unreachable', path)
  }
}

/**
 * A tile at this width, as a log of `size` entries holds it, which may be wider: a log need not keep
 * the partial tiles of other sizes, and may drop its own once there is the full one. Throws {@link
 * Trouble} `missing`, `tile_differs` (another length) or `unreachable`.
 *
 * @param size of a checkpoint that the log published
 */
export async function readTile(read: Read, ref: TileRef, size: number): Promise<Tile> {
  const { level, index } = ref
  const width = Math.max(ref.width, widthAt(level, index, size))
  for (const wide of widthsFrom({ level, index, width })) {
    const bytes = await ask(read, tilePath(wide))
    if (!bytes) continue
    const tile = tileFrom(wide, bytes)
    if (!tile) throw new Trouble('tile_differs', tilePath(wide))
    return narrowTile(tile, ref.width)
  }
  throw new Trouble('missing', tilePath({ level, index, width }))
}

/**
 * The bytes of a bundle at this width, in the same way. Throws {@link Trouble} `missing`,
 * `malformed_bundle` or `unreachable`.
 */
export async function readBundle(read: Read, ref: BundleRef, size: number): Promise<Uint8Array> {
  const { index } = ref
  const width = Math.max(ref.width, widthAt(0, index, size))
  for (const wide of widthsFrom({ index, width })) {
    const bytes = await ask(read, bundlePath(wide))
    if (bytes) return cut({ ...wide, bytes }, ref.width)
  }
  throw new Trouble('missing', bundlePath({ index, width }))
}

/** Where to look: at this width, then for the full one. */
const widthsFrom = <Ref extends BundleRef>(ref: Ref): readonly Ref[] =>
  ref.width < TILE_WIDTH ? [ref, { ...ref, width: TILE_WIDTH }] : [ref]

function cut(bundle: Bundle, width: number): Uint8Array {
  if (bundle.width === width) return bundle.bytes
  try {
    return narrowBundle(bundle, width).bytes
  } catch (error) {
    if (error instanceof RangeError) throw new Trouble('malformed_bundle', bundlePath(bundle))
    throw error
  }
}
