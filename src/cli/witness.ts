/** `ostiary witness`: a program for one's own machine, without database and without settings of a server. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Command } from 'commander'
import { originHash, watchedLogs } from '../domain/log/witness.ts'
import { WitnessFailure } from '../witness/failure.ts'
import { makeWitnessServer } from '../witness/server.ts'
import { createState, openState, readState } from '../witness/state.ts'
import { print } from './print.ts'

/** Adds `witness init`, `serve` and `show` to the program. */
export function addWitnessCommands(program: Command): void {
  const state = ['--state <dir>', 'folder that holds the witness'] as const
  const json = ['--json', 'print JSON'] as const
  const witness = program
    .command('witness')
    .description('vouch from outside that a log only grows (for a data protection officer)')
  witness
    .command('init')
    .description('make a witness: its key, and the verifier key to give to the servers it watches')
    .requiredOption(...state)
    .requiredOption('--name <name>', 'what to call it, e.g. witness.agency.example')
    .option(...json)
    .action(initWitness)
  witness
    .command('serve')
    .description('cosign the checkpoints of the given logs until SIGINT or SIGTERM')
    .requiredOption(...state)
    .requiredOption(
      '--log <vkey...>',
      'verifier keys of the logs; all keys of a log that has several',
    )
    .option('--listen <host:port>', 'where to listen', '127.0.0.1:8091')
    .option('--tls-cert <file>', 'certificate chain (PEM), to be reached from other machines')
    .option('--tls-key <file>', 'its private key (PEM)')
    .action(serveWitness)
  witness
    .command('show')
    .description('print the verifier key and what was cosigned last')
    .requiredOption(...state)
    .option(...json)
    .action(showWitness)
}

interface StateOption {
  readonly state: string
  readonly json?: boolean
}

async function initWitness(options: StateOption & { readonly name: string }): Promise<void> {
  const { vkey } = await createState(options.state, options.name)
  print(options, { vkey }, [
    vkey,
    '',
    'This line is the public key of your witness; give it to whoever runs the server.',
    `The folder ${options.state} holds the private key: keep it on this machine, and to yourself.`,
  ])
}

async function showWitness(options: StateOption): Promise<void> {
  const { vkey, kept } = await readState(options.state)
  const logs = kept.map(({ checkpoint, note }) => ({
    origin: checkpoint.origin,
    size: checkpoint.size,
    path: `/${originHash(checkpoint.origin)}/checkpoint`,
    note,
  }))
  print(options, { vkey, logs }, [
    `key       ${vkey}`,
    ...logs.flatMap(({ origin, size, note }) => ['', `${origin}: ${size} entries cosigned`, note]),
    ...(logs.length === 0 ? ['Nothing was cosigned yet.'] : []),
  ])
}

interface ServeOptions extends StateOption {
  readonly log: readonly string[]
  readonly listen: string
  readonly tlsCert?: string
  readonly tlsKey?: string
}

/** Longest wait for connections that are open at a stop, in milliseconds. */
const PATIENCE = 5_000

async function serveWitness(options: ServeOptions): Promise<void> {
  const logs = watchedLogs(options.log)
  if (!logs) throw new WitnessFailure('--log takes verifier keys of logs: name+id+key')
  const place = placeOf(options.listen)
  const tls = await readTls(options)
  const state = await openState(options.state)
  const tell = (line: string) =>
    process.stdout.write(`${new Date().toISOString().slice(0, 19)}Z ${line}\n`)
  const over = Promise.withResolvers<Error | undefined>()
  const server = makeWitnessServer({
    state,
    logs,
    tell,
    stop: over.resolve,
    ...(tls ? { tls } : {}),
  })
  try {
    server.listen(place)
    await once(server, 'listening')
  } catch (error) {
    state.close()
    throw error
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => over.resolve(undefined))
  const { address, port } = server.address() as AddressInfo
  const host = isIP(address) === 6 ? `[${address}]` : address
  tell(`${state.vkey} listens on ${tls ? 'https' : 'http'}://${host}:${port}`)
  for (const { origin } of logs.values())
    tell(`${origin}: ${state.latest(origin)?.checkpoint.size ?? 0} entries cosigned so far`)

  const failure = await over.promise
  server.close()
  server.closeIdleConnections()
  const late = setTimeout(() => server.closeAllConnections(), PATIENCE)
  await once(server, 'close')
  clearTimeout(late)
  state.close()
  if (failure !== undefined) throw failure
}

function placeOf(listen: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port = ''] =
    /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(listen) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port) > 65_535)
    throw new WitnessFailure('--listen takes host:port, for example 127.0.0.1:8091')
  return { host, port: Number(port) }
}

async function readTls({
  tlsCert,
  tlsKey,
}: ServeOptions): Promise<{ readonly cert: string; readonly key: string } | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined)
    throw new WitnessFailure('--tls-cert and --tls-key belong together')
  const [cert, key] = await Promise.all([readFile(tlsCert, 'utf8'), readFile(tlsKey, 'utf8')])
  return { cert, key }
}
