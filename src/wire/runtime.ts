import { randomBytes, randomUUID } from 'node:crypto'
import type { Runtime } from '../services/runtime.ts'

/** Real time and real chance. */
export const RUNTIME: Runtime = Object.freeze({
  now: () => new Date(),
  uuid: () => randomUUID(),
  random: (bytes: number) => randomBytes(bytes),
})
