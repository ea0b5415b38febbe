-- What a partner owes is shown to the perpetrator's side until its end has come, met or not: a duty is met when everybody who has to
-- be told was told, so that it would go away when her service asks. Which of them leave, the service decides; so more rows come back.
drop function gate_duties(uuid, timestamptz);
create function gate_duties(p_case uuid, p_now timestamptz)
  returns table (
    id uuid, rule text, subject_id uuid, record_id uuid, field text, notify jsonb, state text, due_at timestamptz, told_due_at timestamptz,
    agency_id uuid, sector text, informant text, informant_person_id uuid)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select d.id, d.rule, d.subject_id, d.record_id, d.field, d.notify, d.state, d.due_at, d.told_due_at,
      a.id, a.sector, p.told ->> 'informant', (p.told ->> 'informantPersonId')::uuid
    from duty d
    join agency me on me.id = app_agency()
    join agency a on a.id = d.agency_id
    join record r on r.id = d.record_id
    join record_version v on v.record_id = r.id and v.version = r.version
    left join lateral (
      select v.provenance -> (f ->> 'provenance')::integer as told
      from jsonb_array_elements(v.fields) f where r.type || '.' || (f ->> 'name') = d.field) p on true
    where d.case_id = p_case and is_case_member(p_case)
      and (d.agency_id = me.id
        or (d.notify -> 'sector' ? me.sector and p.told is not null
          and exists (select from case_member m where m.case_id = p_case and m.agency_id = d.agency_id
            and m.ended_at is null and (m.until is null or m.until > p_now))))
      and (d.state = 'open' or d.told_due_at > p_now)
    order by d.told_due_at, d.id
  $$;
do $$
begin
  grant create on schema public to ostiary_gate;
  alter function gate_duties(uuid, timestamptz) owner to ostiary_gate;
  revoke execute on function gate_duties(uuid, timestamptz) from public;
  grant execute on function gate_duties(uuid, timestamptz) to ostiary_app;
  revoke create on schema public from ostiary_gate;
end
$$;
