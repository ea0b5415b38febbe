import { readFile } from 'node:fs/promises'
import { format } from 'prettier'
import t from 'tap'
import { ConfigError, loadConfig, SETTINGS } from '../../src/config.ts'
import { ERRORS, OstiaryError } from '../../src/errors.ts'
import { REFERENCES } from './reference.ts'

const root = new URL('../../', import.meta.url)

for (const [path, text] of Object.entries(REFERENCES)) {
  t.test(`${path} says what the code says (npm run docs writes it)`, async (t) => {
    t.equal(
      await readFile(new URL(path, root), 'utf8'),
      await format(text(), { parser: 'markdown' }),
    )
  })
}

t.test('codes are stable words with a sensible status and one sentence each', async (t) => {
  for (const [code, { status, title, meaning }] of Object.entries(ERRORS)) {
    t.match(code, /^[a-z]+(_[a-z]+)*$/, code)
    t.ok(status >= 400 && status <= 599, `${code} has an error status`)
    t.match(title, /^[A-Z].*[^.]$/, `${code} has a title`)
    t.match(meaning, /\.$/, `${code} has a sentence`)
  }
  const titles = Object.values(ERRORS).map(({ title }) => title)
  t.equal(new Set(titles).size, titles.length, 'no two codes share a title')
})

t.test('an error keeps its cause to itself', async (t) => {
  const error = new OstiaryError('not_found', { cause: new Error('secret text') })
  t.notMatch(JSON.stringify(error), /secret text/)
  t.notMatch(String(error), /secret text/)
  t.equal(error.statusCode, 404)
})

t.test('the configuration', async (t) => {
  t.test('stands on its standards when nothing is set', async (t) => {
    const config = loadConfig({})
    t.ok(Object.isFrozen(config))
    t.match(config, {
      host: '127.0.0.1',
      port: 8080,
      publicUrl: 'http://127.0.0.1:8080',
      logOrigin: '127.0.0.1:8080/log',
      logTick: 10_000,
      logBatch: 4,
      timeGrid: 25,
      allowBearer: false,
    })
    t.notOk('databaseUrl' in config, 'no database URL means the embedded one')
  })

  t.test('reads a secret from a file and leaves no room for two sources', async (t) => {
    const key = Buffer.alloc(32, 7)
    const file = `${t.testdir({ key: `${key.toString('base64')}\n` })}/key`
    const config = loadConfig({ OSTIARY_KEY_ENCRYPTION_KEY_FILE: file })
    t.equal(config.keyEncryptionKey, key.toString('base64'))
    t.throws(
      () =>
        loadConfig({
          OSTIARY_KEY_ENCRYPTION_KEY_FILE: file,
          OSTIARY_KEY_ENCRYPTION_KEY: key.toString('base64'),
        }),
      ConfigError,
    )
  })

  t.test('reports every fault at once, and repeats no secret', async (t) => {
    const environment = {
      OSTIARY_HOST: 'not a host',
      OSTIARY_PORT: '99999',
      OSTIARY_PUBLIC_URL: 'http://exchange.example',
      OSTIARY_LOG_BATCH: '3',
      OSTIARY_ALLOW_BEARER: 'yes',
      OSTIARY_LOG_ORIGIN: 'https://log.example',
      OSTIARY_LOG_LEVEL: 'loud',
      OSTIARY_KEY_ENCRYPTION_KEY: 'c2VjcmV0',
      DATABASE_URL: 'mysql://user:hunter2@db',
      OSTIARY_ALOW_BEARER: 'true',
    }
    try {
      loadConfig(environment)
      t.fail('must not load')
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      t.equal(error.faults.length, Object.keys(environment).length)
      for (const name of Object.keys(environment)) t.match(error.message, name)
      t.notMatch(error.message, /c2VjcmV0|hunter2/)
    }
  })

  t.test('wants a public URL as soon as others can reach the server', async (t) => {
    t.throws(() => loadConfig({ OSTIARY_HOST: '0.0.0.0' }), /OSTIARY_PUBLIC_URL/)
    const config = loadConfig({
      OSTIARY_HOST: '0.0.0.0',
      OSTIARY_PUBLIC_URL: 'https://exchange.example/',
    })
    t.equal(config.publicUrl, 'https://exchange.example')
    t.equal(config.logOrigin, 'exchange.example/log')
  })

  t.test('does not fall back to the embedded database where another one is meant', async (t) => {
    for (const name of ['OSTIARY_WORKER_DATABASE_URL', 'OSTIARY_MIGRATION_DATABASE_URL']) {
      t.throws(
        () => loadConfig({ [name]: 'postgres://db/ostiary' }),
        new RegExp(`${name} needs DATABASE_URL beside it`),
      )
      const url = 'postgres://api@db/ostiary'
      t.equal(loadConfig({ [name]: 'postgres://db/ostiary', DATABASE_URL: url }).databaseUrl, url)
    }
  })

  t.test('names every setting once', async (t) => {
    const names = Object.values(SETTINGS).map(({ name }) => name)
    t.equal(new Set(names).size, names.length)
  })
})
