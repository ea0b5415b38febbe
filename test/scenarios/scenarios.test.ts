import t from 'tap'
import { realCatalogue } from '../support/catalogue.ts'
import { startWorld } from '../support/world.ts'
import { play } from './runner.ts'
import { readScenarios, scenarioReader } from './scenario.ts'
import { openTheatre } from './stage.ts'

t.test('a scenario file that says something unknown is refused', async (t) => {
  const read = scenarioReader()
  const text = (step: string, more = '') =>
    `title: One\nsource: nowhere\nsteps:\n  - by: police/police_officer\n${step}\n${more}`
  t.same(read('good.yaml', text('    see: case')).steps[0]?.see, 'case')
  for (const [name, bad] of Object.entries({
    'unknown member': text('    see: case', 'auther: me\n'),
    'unknown verb': text('    look: case'),
    'two verbs': text('    see: case\n    release: x'),
    'no verb': text('    as: x'),
    'unknown word for an entry': text(
      '    ask: { about: ana, purpose: referral, fields: [person/id] }\n    expect: { entries: { person/id: hidden } }',
    ),
    'unknown expectation': text('    see: case\n    expect: { statsu: 200 }'),
    'no fields': text('    deposit: { type: person, about: ana, informant: PO, fields: {} }'),
  }))
    t.throws(() => read(name, bad), { message: /^[\w ]+: / }, name)
})

const world = await startWorld()
t.teardown(() => world.stop())
const theatre = await openTheatre(world)
t.teardown(() => theatre.db.end())
const catalogue = realCatalogue()

for (const [file, scenario] of readScenarios())
  await t.test(`${file}: ${scenario.title}`, async (t) => {
    for (const { name, faults } of await play(theatre, catalogue, scenario))
      t.same(faults, [], name)
  })
