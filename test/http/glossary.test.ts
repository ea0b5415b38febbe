// The shared definitions over HTTP (R131).
import t from 'tap'
import { CAST, startWorld } from '../support/world.ts'

const world = await startWorld()
t.teardown(() => world.stop())

t.test(
  'any agency reads the same definitions, and is told when they have changed [R131]',
  async (t) => {
    const support = await world.onboard(CAST.support, ['vss_advocate'])
    const programme = await world.onboard(CAST.programme, ['pp_case_manager'])
    const first = await support.client.call('GET', '/v1/glossary')
    t.equal(first.status, 200)
    t.equal(first.body.version, 1)
    const listed = first.body.lists.find(({ name }: { name: string }) => name === 'violence_type')
    t.match(
      listed.words.find(({ word }: { word: string }) => word === 'psychological'),
      { definition: /coercion or threats/, basis: ['Istanbul Convention art. 33'], since: 1 },
    )
    const etag = first.headers.get('etag')!
    const second = await programme.client.call('GET', '/v1/glossary', {
      headers: { 'if-none-match': etag },
    })
    t.equal(second.status, 304)
    const other = await programme.client.call('GET', '/v1/glossary')
    t.equal(other.text, first.text)
  },
)
