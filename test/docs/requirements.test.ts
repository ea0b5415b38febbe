import t from 'tap'
import { findClaims } from './requirement-tags.ts'
import {
  claimFaults,
  readClaims,
  readRequirements,
  type Requirements,
  requirementsPage,
} from './requirements.ts'

t.test('every requirement that is claimed has a test', async (t) => {
  const { claims, faults } = readClaims()
  t.same(faults, [], 'every tag is part of a title')
  t.same(claimFaults(readRequirements(), claims), [])
})

t.test('requirements are numbered without gaps and said in one sentence', async (t) => {
  const all = readRequirements().sections.flatMap(({ requirements }) =>
    Object.entries(requirements),
  )
  t.same(
    all.map(([id]) => id),
    all.map((_, index) => `R${index + 1}`),
  )
  for (const [id, sentence] of all) t.match(sentence, /^[A-Z'].*[^.]\.$/, id)
})

const requirements: Requirements = {
  claimed: ['R1', 'R2'],
  sections: [{ title: 'Some', requirements: { R1: 'One.', R2: 'Two.', R3: 'Three.' } }],
}

t.test('tags are found in titles of code and data', async (t) => {
  const code = `
    t.test('one [R1]', () => {})
    for (const { name } of [{ name: 'two_three [R2, R3]', n: 1 }]) t.test(name, () => {})
    await t.test(\`\${path} four [R1]\`, () => {})`
  t.same(findClaims('a.test.ts', code), {
    claims: [
      { file: 'a.test.ts', title: 'one', requirements: ['R1'] },
      { file: 'a.test.ts', title: 'two_three', requirements: ['R2', 'R3'] },
      { file: 'a.test.ts', title: '${path} four', requirements: ['R1'] },
    ],
    faults: [],
  })
  t.same(findClaims('b.yaml', 'title: all [R1]\ncases:\n  - case: one [R2]\n    note: nothing\n'), {
    claims: [
      { file: 'b.yaml', title: 'all', requirements: ['R1'] },
      { file: 'b.yaml', title: 'one', requirements: ['R2'] },
    ],
    faults: [],
  })
})

t.test('a tag outside a title is a fault', async (t) => {
  t.same(findClaims('a.ts', `// [R1]\nt.ok(true, 'yes [R2]')`).faults, [
    'a.ts: 2 tag(s) outside the titles of tests',
  ])
  t.same(findClaims('b.yaml', '# [R1]\ncase: x\nnote: y [R2]\n').faults, [
    'b.yaml: 2 tag(s) outside the titles of tests',
  ])
})

t.test(
  'a claimed requirement without a test is a fault, and so is one that nobody knows',
  async (t) => {
    const claims = [{ file: 'a.test.ts', title: 'one_two', requirements: ['R1', 'R9'] }]
    t.same(claimFaults(requirements, claims), ['R9 is not known', 'R2 is claimed and has no test'])
    const page = requirementsPage(requirements, claims)
    t.match(page, '- **R1** One.\n  - one\\_two ([a.test.ts](../a.test.ts))\n- **R2** Two.\n')
    t.match(page, /Claimed so far:\nR1, R2\.\n/)
  },
)
