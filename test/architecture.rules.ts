/** What the files of one folder may import, besides their own folder and what is open to all. */
export interface FolderRule {
  /** Folders and files under `src` whose code they may run. */
  readonly runs: readonly string[] | 'all'
  /** The same, for `import type` alone: instances arrive as arguments. */
  readonly types: readonly string[]
  /** npm packages, as values or as types. */
  readonly npm: readonly string[] | 'all'
  /** Builtin modules of Node. */
  readonly node: readonly string[] | 'all'
}

/** Builtins that compute, and touch neither disk nor network nor processes. */
const COMPUTING = ['buffer', 'crypto', 'events', 'timers/promises', 'util'] as const

/**
 * Who may import whom: door → service → domain, with everything that touches the world handed to the services as
 * arguments by the one composition root. A folder that is missing here may not exist.
 */
// prettier-ignore
export const FOLDERS: Readonly<Record<string, FolderRule>> = {
  // Pure and synchronous: what it needs to know, it is told.
  'domain':    { runs: [],         types: [],                                                   npm: [], node: [] },

  // Adapters: each knows the domain's words and one part of the world.
  'crypto':    { runs: [],         types: ['domain'],                                           npm: ['libsodium-wrappers-sumo'], node: ['crypto'] },
  'storage':   { runs: [],         types: ['domain'],                                           npm: ['kysely', 'pg'], node: 'all' },
  'vault':     { runs: ['crypto'], types: ['domain', 'storage'],                                npm: [], node: COMPUTING },
  'notify':    { runs: [],         types: ['domain'],                                           npm: ['standardwebhooks'], node: 'all' },
  'embedded':  { runs: [],         types: [],                                                   npm: [], node: 'all' },
  // Schemas and policies as they lie on disk.
  'files':     { runs: ['domain'], types: ['domain'],                                           npm: [], node: 'all' },

  // Use cases. Their storage, vault and crypto are types here and arguments at run time.
  'services':  { runs: ['domain'], types: ['storage', 'vault', 'crypto', 'notify'],             npm: [], node: COMPUTING },

  // Doors.
  'http':      { runs: ['domain'], types: ['services'],
                 npm: ['@fastify/helmet', '@fastify/jwt', '@fastify/rate-limit',
                       '@fastify/static', '@fastify/under-pressure', '@scalar/fastify-api-reference', 'ajv', 'ajv-formats',
                       'fastify', 'jose', 'oidc-provider', 'openapi-types', 'pino', 'prom-client', 'yaml'],
                 node: 'all' },
  'console':   { runs: ['domain'], types: ['services'],                                         npm: ['fastify', '@fastify/static', 'preact', 'vite'], node: 'all' },
  'workers':   { runs: ['domain'], types: ['services'],                                         npm: ['graphile-worker', 'pino'], node: 'all' },
  // A program of its own on somebody else's machine: no database, no settings of a server.
  'witness':   { runs: ['domain'], types: [],                                                   npm: [], node: 'all' },
  'cli':       { runs: ['domain', 'files', 'witness', 'wire', 'wire.ts', 'config.ts'], types: ['services'],        npm: ['commander', 'jose'], node: 'all' },

  // The composition root.
  'wire':      { runs: 'all',      types: [],                                                   npm: ['fastify', 'kysely', 'pg', 'pino'], node: 'all' },
  'wire.ts':   { runs: 'all',      types: [],                                                   npm: ['fastify', 'pino'], node: 'all' },
  'main.ts':   { runs: ['cli', 'wire', 'wire.ts', 'config.ts'], types: [],                      npm: ['pino'], node: 'all' },
  'config.ts': { runs: ['settings-readers.ts'], types: [],                                      npm: [], node: ['fs', 'net', 'path'] },
  'settings-readers.ts': { runs: [], types: [],                                                 npm: [], node: ['net'] },
  'errors.ts': { runs: ['access-errors.ts', 'audit-errors.ts', 'policy-errors.ts'], types: [],   npm: [], node: [] },
  'access-errors.ts': { runs: [],  types: [],                                                   npm: [], node: [] },
  'audit-errors.ts': { runs: [],   types: [],                                                   npm: [], node: [] },
  'policy-errors.ts': { runs: [],  types: [],                                                   npm: [], node: [] },
}

/** What single files may import on top of their folder's rule. */
export const FILES: Readonly<Record<string, Partial<FolderRule>>> = {
  'domain/log/hash.ts': { node: ['crypto'] },
  'domain/policy/parse.ts': { npm: ['yaml'] },
}

/** Globals that the domain does without: it waits for nothing, draws nothing, and is told the time. */
export const IMPURE = [
  'Promise',
  'Date.now',
  'new Date()',
  'Math.random',
  'performance',
  'crypto',
  'process',
  'globalThis',
  'console',
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'async',
  'await',
] as const

/** Files that everybody may import. */
export const OPEN = ['errors.ts']

/** Where programs start; every other file is imported, directly or not, by one of them. */
export const ENTRY_POINTS = ['main.ts', 'cli/main.ts', 'workers/policy-thread.ts']

/** Files that no program of ours runs, and what they are there for. */
export const UNREACHED: Readonly<Record<string, string>> = {
  'domain/log/event-shapes.ts': 'makes docs/audit-events.md; tests hold events to it',
  'domain/log/server-event-shapes.ts': 'a part of it',
  'domain/policy/json-schema.ts': 'makes schemas/policy.schema.json, which editors use',
}

/** The only file that reads the environment. */
export const READS_ENVIRONMENT = 'config.ts'

/** Longest file, in lines. Generated ones do not count. */
export const LONGEST_FILE = 400
