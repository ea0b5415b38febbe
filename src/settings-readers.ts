/** How the texts of settings are read: each throws `Fault`, and never repeats the text. */
import { isIP } from 'node:net'

/** What is wrong with a text: what follows the name of the setting in a sentence, never the text itself. */
export class Fault extends Error {}

/** Whether a host name is the machine’s own. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}

/** An address or a host name. */
export function host(text: string): string {
  if (isIP(text) === 0 && !/^[a-z0-9.-]+$/i.test(text)) {
    throw new Fault('must be an address or a host name')
  }
  return text
}

/** An https origin without a path; http on loopback only. */
export function origin(text: string): string {
  const url = URL.parse(text)
  const secure = url?.protocol === 'https:' || (url && isLoopback(url.hostname))
  if (!url || !/^https?:$/.test(url.protocol) || !secure || url.href !== `${url.origin}/`) {
    throw new Fault('must be an https origin without a path (http on loopback only)')
  }
  return url.origin
}

/** A kebab-case name. */
export function packName(text: string): string {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(text)) throw new Fault('must be a kebab-case name')
  return text
}

/** A name without scheme, spaces or plus signs, of 200 characters at most. */
export function logOrigin(text: string): string {
  if (/[\s+]/.test(text) || text.includes('://') || text.length > 200) {
    throw new Fault('must be a name without scheme, spaces or plus signs')
  }
  return text
}

/** A PostgreSQL URL. */
export function postgres(text: string): string {
  const url = URL.parse(text)
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new Fault('must begin with postgres:// or postgresql://')
  }
  return text
}

/** Lines of standard base64 or base64url of exactly 32 bytes, each with its epoch in front (`vault/key-file.ts`). */
export function keyLines(text: string): string {
  const lines = text.split('\n').map((line) => line.trim())
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'))
  const fits = (line: string) => /^([1-9]\d{0,8}:)?[\w+/-]{43}=?$/.test(line)
  if (keys.length === 0 || !keys.every(fits)) throw new Fault('must be 32 bytes in base64')
  return text
}

/** Verifier key (c2sp.org/signed-note) and submission prefix (c2sp.org/tlog-witness) of a witness. */
export function witnessLines(
  text: string,
): readonly { readonly vkey: string; readonly url: string }[] {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map(witnessLine)
}

function witnessLine(line: string): { readonly vkey: string; readonly url: string } {
  const [vkey = '', address = '', ...more] = line.split(/\s+/)
  const url = URL.parse(address)
  const secure =
    url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  const plain = url?.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (!/^[^+]+\+[0-9a-f]{8}\+[\w+/=]+$/.test(vkey) || !secure || !plain || more.length > 0)
    throw new Fault('must be lines of a verifier key and an https URL (http on loopback only)')
  return { vkey, url: url.href }
}

/** `true` or `false`. */
export function truth(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new Fault('must be true or false')
  return text === 'true'
}

/** A whole number within bounds. */
export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN
    if (!(value >= least && value <= most)) {
      throw new Fault(`must be a whole number from ${least} to ${most}`)
    }
    return value
  }
}

/** A power of two within bounds. */
export function powerOfTwo(least: number, most: number): (text: string) => number {
  const read = integer(least, most)
  return (text) => {
    const value = read(text)
    if ((value & (value - 1)) !== 0) throw new Fault('must be a power of two')
    return value
  }
}

/** One of the words. */
export function oneOf<const T extends string>(allowed: readonly T[]): (text: string) => T {
  return (text) => {
    const found = allowed.find((word) => word === text)
    if (found === undefined) throw new Fault(`must be one of ${allowed.join(', ')}`)
    return found
  }
}
