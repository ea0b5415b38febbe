// What an error of the database is to a caller: whether to come back, and nothing of what it says.
import t from 'tap'
import { asOstiaryError } from '../../src/http/problem.ts'

const failing = (code: string) =>
  Object.assign(new Error('duplicate key value (full_name)=(Marko Z.)'), {
    code,
    detail: 'Key (full_name)=(Marko Z.) already exists.',
  })

t.test('SQLSTATEs', async (t) => {
  const expected = {
    '55P03': 'overloaded',
    '57014': 'overloaded',
    '40P01': 'overloaded',
    '40001': 'overloaded',
    '25P03': 'audit_unavailable',
    '57P01': 'audit_unavailable',
    '08006': 'audit_unavailable',
    '53300': 'audit_unavailable',
    '23505': 'internal_error',
    '42501': 'internal_error',
  } as const
  for (const [code, problem] of Object.entries(expected)) {
    const error = asOstiaryError(failing(code))
    t.equal(error.code, problem, code)
    const { cause: _, stack: __, ...shown } = { ...error }
    t.notMatch(JSON.stringify(shown), /Marko|full_name/)
    t.equal(Number(error.headers['retry-after']) > 0, error.statusCode === 503, code)
  }
})
