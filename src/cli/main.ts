#!/usr/bin/env node
/** The `ostiary` command. Every subcommand prints for people, or with `--json` for programs. */
import { Command } from 'commander'
import { adminCreate, agencyAdd } from './agencies.ts'
import { addAuditCommands } from './audit.ts'
import { addRetireCommand } from './audit-retire.ts'
import { init, migrateDatabase } from './database.ts'
import { failureText } from './failure.ts'
import { rotateKeys } from './keys.ts'
import { verifyLogCommand } from './log.ts'
import { exportLogCommand } from './log-export.ts'
import { addPersonCommands } from './person-erase.ts'
import { checkPolicies, testPolicies } from './policies.ts'
import { addDraftCommands } from './policy-commands.ts'
import { explainDecision } from './policy-explain.ts'
import { diffPolicies, provePolicies } from './policy-prove.ts'
import { replayPolicies } from './policy-replay.ts'
import { addSelfCheckCommands } from './self-check.ts'
import { serve } from './serve.ts'
import { addWitnessCommands } from './witness.ts'

const program = new Command('ostiary')
  .description('Exchange of case data about domestic and gender-based violence, field by field')
  .showHelpAfterError()

const json = ['--json', 'print JSON'] as const

program.command('serve').description('run the server until SIGINT or SIGTERM').action(serve)
program
  .command('migrate')
  .description('bring the schema of the database up to date (owner rights)')
  .option(...json)
  .action(migrateDatabase)
program
  .command('init')
  .description('make keys and the first policy version where they are missing (owner rights)')
  .option(...json)
  .action(init)

const admin = program.command('admin').description('the operator of this server')
admin
  .command('create')
  .description(
    'make the operator: an agency that may add agencies, its first practitioner, and a key for both',
  )
  .requiredOption('--name <name>', 'name of the organisation that runs the server')
  .option('--country <code>', 'ISO 3166-1 alpha-2', 'SI')
  .option(...json)
  .action(adminCreate)

const agency = program.command('agency').description('agencies that exchange data')
agency
  .command('add')
  .description('add an agency beside the API, with a key made here or with its own')
  .requiredOption('--name <name>', 'its name')
  .requiredOption('--sector <sector>', 'e.g. police, victim_support, perpetrator_programme')
  .requiredOption('--country <code>', 'ISO 3166-1 alpha-2')
  .option('--public', 'it is a public authority', false)
  .option('--jwks <file>', 'its public keys as a JWK set; absent: one is made and printed once')
  .option('--admin <localId>', 'also add a practitioner with role org_admin under this id')
  .option(...json)
  .action(agencyAdd)

addPersonCommands(program)

const keys = program.command('keys').description('keys of the server')
keys
  .command('rotate')
  .description('put a new key in use while the servers run')
  .argument('<purpose>', 'token, log, or encryption (give every process the new key first)')
  .option('--compromised', 'token, log: the old keys end at once, and all tokens with them', false)
  .option('--overlap <duration>', 'log: how long the old key signs as well, such as 12h (30d)')
  .option('--epoch <epoch>', 'encryption: epoch of the new key-encryption key')
  .option(...json)
  .action(rotateKeys)

const several = (value: string, before: readonly string[]) => [...before, value]
const log = program.command('log').description('the transparency log')
log
  .command('export')
  .description('write the whole public log as static files, or bring such a folder up to date')
  .argument('<directory>', 'a folder for it, made when it is not there')
  .option(
    '--from <url>',
    'read it from a server; absent: from the configured database (owner rights)',
  )
  .option('--vkey <vkey>', 'with --from: who must have signed it (repeat for several)', several, [])
  .option(...json)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action(exportLogCommand)
log
  .command('verify')
  .description(
    'check a log, receipts or two checkpoints from outside; exit code 0 right, 1 at fault, 2 not checked',
  )
  .argument('[source]', 'URL of a server, or a folder made by `log export`')
  .option('--vkey <vkey>', 'verifier key of the log that you trust (several: repeat)', several, [])
  .option('--vkeys <file>', 'history of its keys that you kept; that of a source is read besides')
  .option('--receipt <file>', 'a proof; without a source it is checked alone', several, [])
  .option('--leaf-hash <hash>', 'the leaf hash that the disclosure’s answer promised for it')
  .option('--checkpoints <files...>', 'two checkpoints: is the one the beginning of the other?')
  .option('--witness <vkey>', 'verifier key of a witness that you trust (repeat)', several, [])
  .option('--quorum <number>', 'how many of them must have cosigned (absent: all)')
  .option(...json)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action(verifyLogCommand)

addSelfCheckCommands(log)
addWitnessCommands(program)

const audit = program.command('audit').description('the audit events')
addAuditCommands(audit)
addRetireCommand(audit)

const pack = ['--pack <name>', 'default, or a folder of its `national`', 'default'] as const
const policy = program.command('policy').description('sharing policies')
policy
  .command('check')
  .description('find every fault of a folder of policies')
  .argument('[folder]', 'folder with *.yaml', 'policies')
  .option(...pack)
  .option('--settings', 'print every setting with its value and where that comes from')
  .option(...json)
  .action(checkPolicies)
policy
  .command('test')
  .description('check, then run the *.test.yaml beside the policies')
  .argument('[folder]', 'folder with *.yaml', 'policies')
  .option(...pack)
  .option(...json)
  .action(testPolicies)
policy
  .command('prove')
  .description('prove every guardrail over all requests that can happen')
  .argument('[folder]', 'folder with *.yaml', 'policies')
  .option(...pack)
  .option(...json)
  .action(provePolicies)
policy
  .command('diff')
  .description('who would gain or lose which fields from one folder to another')
  .argument('<before>', 'folder with *.yaml')
  .argument('<after>', 'folder with *.yaml')
  .option(...pack)
  .option('--to-pack <name>', 'pack of the second folder, if it is another')
  .option(...json)
  .action(diffPolicies)
addDraftCommands(policy)
policy
  .command('explain')
  .description('why a past decision came out as it did (owner rights)')
  .argument('<disclosure>', 'id of a disclosure or a preview')
  .option('--use <use>', 'for which lawful use (LED art. 25(2))', 'lawfulness_check')
  .option(...json)
  .action(explainDecision)
policy
  .command('replay')
  .description('what a folder of policies would have made of past decisions (owner rights)')
  .argument('[folder]', 'folder with *.yaml', 'policies')
  .option(...pack)
  .requiredOption('--from <time>', 'decisions from this time on')
  .option('--to <time>', 'and before this one; absent: until now')
  .option(...json)
  .action(replayPolicies)

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`${failureText(error)}\n`)
  process.exitCode = 1
}
