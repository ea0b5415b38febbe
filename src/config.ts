import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import {
  Fault,
  host,
  integer,
  isLoopback,
  keyLines,
  logOrigin,
  oneOf,
  origin,
  packName,
  postgres,
  powerOfTwo,
  truth,
  witnessLines,
} from './settings-readers.ts'

/** How one setting is read, and what it means to the person who sets it. */
interface Setting<T> {
  /** Environment variable. A secret may also be given as a file named by `<name>_FILE`. */
  readonly name: string
  /** For the manual: what it is for, with its unit. */
  readonly meaning: string
  /** Text that stands when the variable is absent; without one the setting is optional. */
  readonly standard?: string
  /** For the manual, where the standard is worked out from other settings. */
  readonly derived?: string
  readonly secret?: true
  /** Reads the text; throws `Fault` with what follows the name in a sentence, never the text itself. */
  readonly read: (text: string) => T
}

/** Every setting there is. The manual (`docs/configuration.md`) is written from this table. */
export const SETTINGS = {
  host: {
    name: 'OSTIARY_HOST',
    meaning: 'Address on which the API listens; `0.0.0.0` or `::` for all interfaces.',
    standard: '127.0.0.1',
    read: host,
  },
  port: {
    name: 'OSTIARY_PORT',
    meaning: 'TCP port of the API; 0 takes any free one.',
    standard: '8080',
    read: integer(0, 65_535),
  },
  metricsPort: {
    name: 'OSTIARY_METRICS_PORT',
    meaning: 'TCP port of `/metrics`, on the same address; 0 turns it off.',
    standard: '9464',
    read: integer(0, 65_535),
  },
  publicUrl: {
    name: 'OSTIARY_PUBLIC_URL',
    meaning:
      'Origin under which clients reach the server: issuer of tokens and base of every DPoP `htu`. HTTPS, except on a loopback address.',
    derived: '`http://<host>:<port>`',
    read: origin,
  },
  trustProxy: {
    name: 'OSTIARY_TRUST_PROXY',
    meaning: 'Whether `X-Forwarded-For` comes from a proxy of your own and may be believed.',
    standard: 'false',
    read: truth,
  },
  dataDirectory: {
    name: 'OSTIARY_DATA_DIRECTORY',
    meaning: 'Folder of the embedded database and of files that the server writes itself.',
    standard: '.ostiary',
    read: (text) => resolve(text),
  },
  databaseUrl: {
    name: 'DATABASE_URL',
    meaning:
      'PostgreSQL (15 or later) as the role of the API, without rights on the schema. Absent: the embedded database.',
    secret: true,
    read: postgres,
  },
  workerDatabaseUrl: {
    name: 'OSTIARY_WORKER_DATABASE_URL',
    meaning: 'The same database as the role of the workers: log, clocks, notices.',
    derived: '`DATABASE_URL`',
    secret: true,
    read: postgres,
  },
  migrationDatabaseUrl: {
    name: 'OSTIARY_MIGRATION_DATABASE_URL',
    meaning: 'The same database as the owner of the schema; only `ostiary migrate` uses it.',
    derived: '`DATABASE_URL`',
    secret: true,
    read: postgres,
  },
  keyEncryptionKey: {
    name: 'OSTIARY_KEY_ENCRYPTION_KEY',
    meaning:
      'Keys that wrap all other keys: one line `epoch:key` per epoch, each 32 random bytes in base64; a key alone is epoch 1. Absent with the embedded database: a file in the data directory, made at the first start.',
    secret: true,
    read: keyLines,
  },
  policyPack: {
    name: 'OSTIARY_POLICY_PACK',
    meaning:
      'Policies that a new server starts with: `default`, or a folder of `policies/national` that is laid over them. Later ones are activated through the API.',
    standard: 'default',
    read: packName,
  },
  logOrigin: {
    name: 'OSTIARY_LOG_ORIGIN',
    meaning: 'Origin line of the transparency log: a name without scheme, never changed later.',
    derived: '`<host of the public URL>/log`',
    read: logOrigin,
  },
  logTick: {
    name: 'OSTIARY_LOG_TICK',
    meaning: 'Milliseconds between two publications of the log.',
    standard: '10000',
    read: integer(10, 3_600_000),
  },
  logBatch: {
    name: 'OSTIARY_LOG_BATCH',
    meaning:
      'Entries per publication, one of them an anchor for the self-check, filled up with random ones: a power of two.',
    standard: '4',
    read: powerOfTwo(2, 4096),
  },
  selfCheckInterval: {
    name: 'OSTIARY_SELF_CHECK_INTERVAL',
    meaning:
      'Seconds from the beginning of one self-check of log and tables to that of the next, at most a day; one that takes longer is brought to its end first. 0 turns it off on this process.',
    standard: '3600',
    read: integer(0, 86_400),
  },
  logStuck: {
    name: 'OSTIARY_LOG_STUCK',
    meaning:
      'Milliseconds after which a tick that lies still (its node is frozen) is ended, so that another node can go on; one that hangs otherwise after twice as long.',
    standard: '15000',
    read: integer(500, 3_600_000),
  },
  witnesses: {
    name: 'OSTIARY_WITNESSES',
    meaning:
      'Witnesses of the log (`docs/witness.md`), a line each: verifier key, space, URL under which it takes checkpoints (HTTPS, except on a loopback address).',
    read: witnessLines,
  },
  witnessQuorum: {
    name: 'OSTIARY_WITNESS_QUORUM',
    meaning:
      'How many of the witnesses must have cosigned a checkpoint before it is published and proofs are given out; 0 waits for none.',
    standard: '0',
    read: integer(0, 32),
  },
  witnessBound: {
    name: 'OSTIARY_WITNESS_BOUND',
    meaning:
      'Seconds that the newest checkpoint with enough witnesses may be old; then comes the alarm, and what `OSTIARY_WITNESS_MODE` says. At least two ticks of the log.',
    standard: '3600',
    read: integer(1, 86_400),
  },
  witnessMode: {
    name: 'OSTIARY_WITNESS_MODE',
    meaning:
      'Beyond the bound: `warn` sounds the alarm and goes on without witnesses, `stop` releases nothing as well until enough of them are back.',
    standard: 'warn',
    read: oneOf(['warn', 'stop']),
  },
  timeGrid: {
    name: 'OSTIARY_TIME_GRID',
    meaning:
      "Milliseconds of the grid to which answers to the perpetrator's side are held, so that their timing tells nothing; 0 turns it off.",
    standard: '25',
    read: integer(0, 1000),
  },
  allowBearer: {
    name: 'OSTIARY_ALLOW_BEARER',
    meaning:
      'Whether an access token that is bound to no key is accepted; policies treat it as a weaker channel.',
    standard: 'false',
    read: truth,
  },
  rateLimit: {
    name: 'OSTIARY_RATE_LIMIT',
    meaning: 'Requests per minute that one client may make on this process; 0 turns it off.',
    standard: '6000',
    read: integer(0, 10_000_000),
  },
  subjectLimit: {
    name: 'OSTIARY_SUBJECT_LIMIT',
    meaning:
      'Requests for disclosure per minute that one client may make about one person on this process; 0 turns it off.',
    standard: '120',
    read: integer(0, 10_000_000),
  },
  failureLimit: {
    name: 'OSTIARY_FAILURE_LIMIT',
    meaning:
      'Failed sign-ins per minute from one address, after which it is turned away; 0 turns it off.',
    standard: '300',
    read: integer(0, 10_000_000),
  },
  maxEventLoopDelay: {
    name: 'OSTIARY_MAX_EVENT_LOOP_DELAY',
    meaning:
      'Milliseconds of mean event loop delay from which requests are refused as overload; 0 turns it off.',
    standard: '1000',
    read: integer(0, 60_000),
  },
  policyCommentDays: {
    name: 'OSTIARY_POLICY_COMMENT_DAYS',
    meaning:
      'Days for which a policy draft that is opened for comment stays open at least (R132); 0 leaves it to whoever opens it.',
    standard: '0',
    read: integer(0, 365),
  },
  auditRetention: {
    name: 'OSTIARY_AUDIT_RETENTION',
    meaning:
      'Months for which audit events are kept at least, the present one included; `ostiary audit retire` refuses later ones.',
    standard: '120',
    read: integer(1, 1200),
  },
  logLevel: {
    name: 'OSTIARY_LOG_LEVEL',
    meaning: 'Least severe log line that is written: `trace` to `fatal`, or `silent`.',
    standard: 'info',
    read: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
  },
} as const satisfies Record<string, Setting<unknown>>

type Settings = typeof SETTINGS
type Given = {
  readonly [K in keyof Settings as Settings[K] extends { standard: string } ? K : never]: Value<K>
} & {
  readonly [K in keyof Settings as Settings[K] extends { standard: string } ? never : K]?: Value<K>
}
type Value<K extends keyof Settings> = ReturnType<Settings[K]['read']>

/** The whole configuration: validated, frozen, with derived settings filled in. */
export type Config = Omit<Given, 'publicUrl' | 'logOrigin'> & {
  readonly publicUrl: string
  readonly logOrigin: string
}

/** Every fault of the configuration at once, by environment variable; no secret is repeated. */
export class ConfigError extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(`the configuration has faults:\n${faults.map((fault) => `- ${fault}`).join('\n')}`)
    this.name = 'ConfigError'
    this.faults = faults
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the configuration from the environment (tests pass their own). An empty variable counts as
 * absent, and an unknown `OSTIARY_` variable is a fault, since it is most likely a misspelt one
 * (`OSTIARY_TEST_…` belongs to the test suite).
 * @throws ConfigError with all faults together.
 */
export function loadConfig(environment: Environment = process.env): Config {
  const faults = unknownNames(environment)
  const entries = Object.entries<Setting<unknown>>(SETTINGS).map(([key, setting]) => {
    try {
      const text = textOf(setting, environment) ?? setting.standard
      return [key, text === undefined ? undefined : setting.read(text)]
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      faults.push(`${setting.name} ${error.message}`)
      return [key, undefined]
    }
  })
  // Without it the embedded database would be meant, and a database of one's own silently left out.
  const rest = [SETTINGS.workerDatabaseUrl.name, SETTINGS.migrationDatabaseUrl.name]
  if (!isSet(SETTINGS.databaseUrl.name, environment))
    faults.push(
      ...rest
        .filter((name) => isSet(name, environment))
        .map((name) => `${name} needs ${SETTINGS.databaseUrl.name} beside it`),
    )
  faults.push(...witnessFaults(Object.fromEntries(entries) as Partial<Given>))
  if (faults.length > 0) throw new ConfigError(faults)

  const given = Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Given
  const publicUrl = given.publicUrl ?? ownUrl(given)
  const database = given.databaseUrl
  return Object.freeze({
    ...(database && { workerDatabaseUrl: database, migrationDatabaseUrl: database }),
    logOrigin: `${new URL(publicUrl).host}/log`,
    ...given,
    publicUrl,
  })
}

/** What the settings of the witnesses must keep to among each other; those with faults of their own are left out. */
function witnessFaults(given: Partial<Given>): string[] {
  const { witnesses = [], witnessQuorum = 0, witnessBound = Infinity, logTick = 0 } = given
  return [
    ...(witnessQuorum > witnesses.length
      ? [`${SETTINGS.witnessQuorum.name} must not be more than there are witnesses`]
      : []),
    ...(witnessQuorum > 0 && witnessBound * 1000 < 2 * logTick
      ? [`${SETTINGS.witnessBound.name} must be at least two ticks of the log`]
      : []),
  ]
}

/** Every setting as it stands, by environment variable; for the log, which takes hashes and no secret. */
export function effectiveSettings(config: Config): readonly {
  readonly name: string
  readonly secret: boolean
  readonly text: string | undefined
}[] {
  return Object.entries<Setting<unknown>>(SETTINGS).map(([key, { name, secret = false }]) => {
    const value: unknown = config[key as keyof Config]
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
    return { name, secret, text: value === undefined ? undefined : text }
  })
}

function textOf({ name, secret }: Setting<unknown>, environment: Environment): string | undefined {
  const text = environment[name] || undefined
  const file = secret && environment[`${name}_FILE`]
  if (!file) return text
  if (text !== undefined) throw new Fault(`and ${name}_FILE exclude each other`)
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    throw new Fault(`cannot be read from the file that ${name}_FILE names`)
  }
}

function isSet(name: string, environment: Environment): boolean {
  return Boolean(environment[name] || environment[`${name}_FILE`])
}

function unknownNames(environment: Environment): string[] {
  const known = Object.values<Setting<unknown>>(SETTINGS).flatMap(({ name, secret }) =>
    secret ? [name, `${name}_FILE`] : [name],
  )
  return Object.keys(environment)
    .filter((name) => name.startsWith('OSTIARY_') && !name.startsWith('OSTIARY_TEST_'))
    .filter((name) => !known.includes(name))
    .map((name) => `${name} is not a setting`)
}

/** Origin of a server that only its own machine talks to. */
function ownUrl({ host: address, port }: Given): string {
  const url = `http://${isIP(address) === 6 ? `[${address}]` : address}:${port}`
  if (isLoopback(new URL(url).hostname)) return url
  throw new ConfigError([
    `${SETTINGS.publicUrl.name} is needed when ${SETTINGS.host.name} is not a loopback address`,
  ])
}
