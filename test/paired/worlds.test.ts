// A world in which she sought help and one in which she did not must look the same to his side.
import t from 'tap'
import { differences, look, startPair } from './pair.ts'

t.test('paired worlds [R24]', async (t) => {
  const pair = await startPair()
  t.teardown(() => pair.stop())

  let seed = 1
  const compare = async () => {
    // Both draw the same ids again, whatever was planted before.
    seed += 1
    return differences(await look(pair.told, seed), await look(pair.silent, seed))
  }

  t.same(await compare(), [], 'his side cannot tell the two worlds apart')

  /** Leaks in places where one could really come in; the harness must see each of them. */
  const PLANTED = [
    {
      name: 'a view of the case that shows every member',
      plant: `alter function on_perpetrator_side(uuid) rename to on_perpetrator_side_kept;
        create function on_perpetrator_side(p_case uuid) returns boolean language sql stable as 'select false';
        grant execute on function on_perpetrator_side(uuid) to public`,
      undo: `drop function on_perpetrator_side(uuid);
        alter function on_perpetrator_side_kept(uuid) rename to on_perpetrator_side`,
      seenIn: /disclosures made/,
    },
    {
      name: 'a log that grows faster when there is something hidden',
      plant: `create function planted_growth() returns trigger language plpgsql security definer as $$
          begin
            if new.private_part not like '%"hidden":[]%' then
              insert into log_pending (event_id, entry)
                select gen_random_uuid(), decode(repeat('00', 64), 'hex') from generate_series(1, 9);
            end if;
            return null;
          end $$;
        create trigger planted_growth after insert on audit_event for each row execute function planted_growth()`,
      undo: 'drop trigger planted_growth on audit_event; drop function planted_growth()',
      seenIn: /growth/,
    },
    {
      name: 'a notice to the programme about somebody’s request',
      plant: `insert into notice (id, agency_id, role, type, urgency, refs)
        select '3f0f7a52-6a0e-4a55-8a3c-6a1c8a8d3a01', a.id, 'dpo', 'exception_used', 'immediate', '{}'
        from agency a where a.sector = 'perpetrator_programme' and exists (select from consent)`,
      undo: "delete from notice where id = '3f0f7a52-6a0e-4a55-8a3c-6a1c8a8d3a01'",
      seenIn: /notices of the officer/,
    },
    {
      name: 'an index that lets the programme find who asked',
      plant: `insert into audit_view
        select p.id, v.at, v.event_id, 'actor', v.leaf_index, v.type, null, null, v.role, v.case_id, v.subject_id, null,
          v.disclosure_id, v.purpose, v.outcome, v.exception, v.fields, v.released, v.rules, v.reasons, '{}', '{}'
        from audit_view v, agency p
        where v.view = 'actor' and v.agency_id = (select id from agency where sector = 'victim_support')
          and v.type = 'disclose.decided' and p.sector = 'perpetrator_programme'`,
      undo: `delete from audit_view v using agency p
        where v.viewer_id = p.id and p.sector = 'perpetrator_programme' and v.agency_id is null`,
      seenIn: /audit log: about him/,
    },
    {
      name: 'a gate that opens both parts to whoever asked',
      plant: `alter function private_part_is_own(text) rename to private_part_is_own_kept;
        create function private_part_is_own(p_type text) returns boolean language sql immutable as 'select true';
        grant execute on function private_part_is_own(text) to public`,
      undo: `drop function private_part_is_own(text);
        alter function private_part_is_own_kept(text) rename to private_part_is_own`,
      seenIn: /audit log: the proof of it/,
    },
    {
      name: 'a list of duties that tells whether they were met',
      plant: "update duty set told_due_at = told_due_at + interval '1 minute' where state = 'met'",
      undo: "update duty set told_due_at = told_due_at - interval '1 minute' where state = 'met'",
      seenIn: /duties of the case/,
    },
  ]
  for (const { name, plant, undo, seenIn } of PLANTED) {
    await pair.sql(plant)
    const found = await compare()
    t.ok(
      found.some((difference) => seenIn.test(difference)),
      `sees ${name}`,
    )
    await pair.sql(undo)
  }
  t.same(await compare(), [], 'and none of them is left')
})
