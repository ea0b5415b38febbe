/** What a use case may not make up itself: time and chance. Tests pass their own. */
export interface Runtime {
  now(): Date
  /** Random UUIDv4. */
  uuid(): string
  /** Cryptographically random bytes. */
  random(bytes: number): Uint8Array
}
