// Whose eyes see whether a duty was met.
import t from 'tap'
import type { WholeCase } from '../../../src/domain/case/case-view.ts'
import { viewCase } from '../../../src/domain/case/case-view.ts'
import type { Sector } from '../../../src/domain/case/vocabulary.ts'
import { type CaseDuty, viewDuties } from '../../../src/domain/disclosure/duty-view.ts'
import { realCatalogue } from '../../support/catalogue.ts'

const field = realCatalogue().fieldsById['police_report.callout_at']!
const now = new Date('2026-11-16T20:00:00Z')
const later = (hours: number) => new Date(now.getTime() + hours * 3_600_000)
const member = (agencyId: string, actsFor: 'all' | 'perpetrator' | 'victim', sector: Sector) => ({
  ...{ agencyId, actsFor, sector, addedBy: 'police', since: now.toISOString(), until: null },
})
const whole: WholeCase = {
  id: 'case',
  persons: [{ id: 'marko', roles: ['perpetrator_alleged'], broughtBy: 'police' }],
  members: [
    member('police', 'all', 'police'),
    member('programme', 'perpetrator', 'perpetrator_programme'),
    member('support', 'victim', 'victim_support'),
  ],
}
/** What the police owe to his programme and to her service. */
const owed = (more: Partial<CaseDuty> = {}): CaseDuty => ({
  ...{ id: 'd', rule: 'D', subjectId: 'marko', recordId: 'r', field, state: 'open' },
  notify: { sector: ['perpetrator_programme', 'victim_support'] },
  ...{ dueAt: later(2), toldDueAt: later(2) },
  owner: { agencyId: 'police', sector: 'police' },
  ...{ informant: 'PO', informantPersonId: null },
  ...more,
})
const seenBy = (agencyId: string, sector: Sector, duty: CaseDuty) =>
  viewDuties([duty], whole, viewCase(whole, agencyId)!, {
    ...{ agencyId, sector, now },
    role: sector === 'police' ? 'police_officer' : 'pp_case_manager',
  })

t.test(
  'his side does not see that a partner has told everybody, her service among them [R28]',
  (t) => {
    const his = (duty: CaseDuty) => seenBy('programme', 'perpetrator_programme', duty)
    const open = his(owed())
    t.match(open, [{ own: false, dueAt: later(2).toISOString() }])
    t.same(his(owed({ state: 'met' })), open, 'she has been told')
    t.same(his(owed({ dueAt: later(9) })), open, 'told, and then recorded anew')
    t.same(his(owed({ state: 'met', toldDueAt: now })), [], 'what is over is over')
    t.same(his(owed({ state: 'open', toldDueAt: now })), [])
    t.same(his(owed({ informant: 'V' })), [], 'nor what she told')
    t.end()
  },
)

t.test('her side and the police see what is still to be told', (t) => {
  t.equal(seenBy('support', 'victim_support', owed()).length, 1)
  t.same(seenBy('support', 'victim_support', owed({ state: 'met' })), [])
  t.equal(seenBy('police', 'police', owed({ dueAt: later(9) }))[0]?.dueAt, later(9).toISOString())
  t.same(seenBy('police', 'police', owed({ state: 'met' })), [])
  t.end()
})
