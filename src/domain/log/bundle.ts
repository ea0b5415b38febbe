// Entry bundles: https://c2sp.org/tlog-tiles, section "Log entries": repeat { uint16 big-endian
// length || entry }.
import { type BundleRef, TILE_WIDTH } from './tile.ts'

/** Longest entry that its 16-bit length can tell. */
export const MAX_ENTRY_BYTES = 0xffff

/** An entry bundle with its content. */
export type Bundle = BundleRef & { readonly bytes: Uint8Array }

/**
 * The bytes of a bundle of 1 to 256 entries, in log order.
 *
 * @throws RangeError for another number of entries or an entry over 65535 bytes
 */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length < 1 || entries.length > TILE_WIDTH) {
    throw new RangeError('a bundle holds 1 to 256 entries')
  }
  const bytes = new Uint8Array(entries.reduce((sum, entry) => sum + 2 + entry.length, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES) throw new RangeError('an entry has at most 65535 bytes')
    view.setUint16(at, entry.length)
    bytes.set(entry, at + 2)
    at += 2 + entry.length
  }
  return bytes
}

/**
 * The entries of a bundle, or undefined unless it holds exactly `width` of them and nothing after.
 * The entries are views into `bytes`, not copies.
 */
export function decodeBundle(bytes: Uint8Array, width: number): Uint8Array[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries: Uint8Array[] = []
  let at = 0
  while (entries.length < width) {
    if (at + 2 > bytes.length) return undefined
    const end = at + 2 + view.getUint16(at)
    if (end > bytes.length) return undefined
    entries.push(bytes.subarray(at + 2, end))
    at = end
  }
  return at === bytes.length ? entries : undefined
}

/**
 * The bundle as it was when it had `width` entries: its beginning. So it is enough to store the
 * widest version.
 *
 * @throws RangeError when the bundle is narrower than that, or its bytes are not what its width says
 */
export function narrowBundle(bundle: Bundle, width: number): Bundle {
  const entries = decodeBundle(bundle.bytes, bundle.width)
  if (!entries || width > bundle.width) {
    throw new RangeError(`bundle ${bundle.index} is too narrow or not whole`)
  }
  return { index: bundle.index, width, bytes: encodeBundle(entries.slice(0, width)) }
}

/** The partial bundle of a log of `size` entries, to be read before more are appended, if any. */
export function bundleForAppend(size: number): BundleRef | undefined {
  const width = size % TILE_WIDTH
  return width === 0 ? undefined : { index: Math.floor(size / TILE_WIDTH), width }
}

/**
 * The bundles that `entries` fill or begin in a log of `size` entries; they replace narrower ones
 * of the same index.
 *
 * @param last the bundle that `bundleForAppend(size)` names
 * @throws RangeError when `last` is not that bundle, or an entry is over 65535 bytes
 */
export function appendEntries(
  size: number,
  last: Bundle | undefined,
  entries: readonly Uint8Array[],
): Bundle[] {
  const wanted = bundleForAppend(size)
  if (last?.index !== wanted?.index || last?.width !== wanted?.width) {
    throw new RangeError('not the last bundle of the log')
  }
  const kept = last ? decodeBundle(last.bytes, last.width) : []
  if (!kept) throw new RangeError('the last bundle of the log is not whole')

  const all = entries.length > 0 ? [...kept, ...entries] : []
  const bundles: Bundle[] = []
  for (let at = 0; at < all.length; at += TILE_WIDTH) {
    const held = all.slice(at, at + TILE_WIDTH)
    const index = Math.floor((size + at) / TILE_WIDTH)
    bundles.push({ index, width: held.length, bytes: encodeBundle(held) })
  }
  return bundles
}
