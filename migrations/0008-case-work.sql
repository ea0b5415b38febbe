-- What the use cases of agencies, cases, records and consents need beyond their tables.

-- Why an agreement was ended early; no case data.
alter table agreement add column termination_reason text;
-- A party may end what was signed, and not reword it.
revoke update on agreement from ostiary_app;
grant update (terminated_at, termination_reason, ended, version) on agreement to ostiary_app;

-- What somebody wrote in own words about a contestation or a withdrawal: sealed like a value of the person.
create table sealed_note (
  id uuid primary key,
  kind text not null check (kind in ('contestation_note', 'withdrawal_note')),
  -- The record or the consent.
  about_id uuid not null,
  -- The record's version that the note came with; null for a consent.
  about_version integer,
  case_id uuid not null references case_file,
  agency_id uuid not null references agency,
  practitioner_id uuid,
  -- Under whose key it lies: the person, or the case.
  owner_id uuid not null,
  sealed bytea not null,
  wrapped_key bytea not null,
  created_at timestamptz not null default now()
);
create index sealed_note_about on sealed_note (about_id);
alter table sealed_note enable row level security;
grant select, insert on sealed_note to ostiary_app;
create policy own on sealed_note to ostiary_app using (agency_id = app_agency()) with check (agency_id = app_agency());

-- How the transaction's agency stands to a case: for whom it acts now (null: it does not work it), and whether it runs the server.
-- Nothing when it is neither, or there is no such case: an agency cannot tell the two apart.
create function gate_standing(p_case uuid)
  returns table (acts_for text, operator boolean)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select m.acts_for, a.operator
    from case_file c
    join agency a on a.id = app_agency()
    left join case_member m on m.case_id = c.id and m.agency_id = a.id
      and m.ended_at is null and (m.until is null or m.until > now())
    where c.id = p_case and (m.agency_id is not null or a.operator)
  $$;

-- Whether the transaction's agency now acts in the case for everybody, or for the party with which this person first belongs.
-- The same mapping as in src/domain/case/parties.ts; a test holds them together.
create function acts_for_person(p_case uuid, p_person uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select exists (
      select from case_member m join case_person s on s.case_id = m.case_id
      where m.case_id = p_case and s.id = p_person and m.agency_id = app_agency()
        and m.ended_at is null and (m.until is null or m.until > now())
        and (m.acts_for = 'all'
          or m.acts_for in ('victim', 'child') and s.roles[1] in
            ('victim', 'current_partner_of_perpetrator', 'child_victim', 'child_witness', 'other_dependant')
          or m.acts_for = 'perpetrator' and s.roles[1] in ('perpetrator_alleged', 'perpetrator_convicted')))
  $$;

-- Withdrawing is as easy as giving (GDPR art. 7(3)): every agency that acts for the person can take it in.
create policy withdraw on consent for update to ostiary_app
  using (acts_for_person(case_id, subject_id)) with check (acts_for_person(case_id, subject_id));
create policy read_to_withdraw on consent for select to ostiary_app using (acts_for_person(case_id, subject_id));
-- A consent is never reworded: whoever withdraws writes that, and nothing else.
revoke update on consent from ostiary_app;
grant update (withdrawn_at, withdrawn_by, version) on consent to ostiary_app;

-- Who has received, for the purpose and the fields of one of its items, values that this consent was asked for: those that the
-- person told, or, where no person of the case told them, those about the person. Mirrors src/domain/policy/consent.ts.
create function gate_consent_recipients(p_consent uuid)
  returns table (agency_id uuid, subject_id uuid, purpose text)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select distinct l.recipient_agency_id, d.subject_id, l.purpose
    from consent c
    cross join lateral jsonb_array_elements(c.items) item
    join release_ledger l on l.case_id = c.case_id and l.purpose = item ->> 'purpose' and l.released_at >= c.given_at
    join disclosure d on d.id = l.disclosure_id
    join agency a on a.id = l.recipient_agency_id
    join record r on r.id = l.record_id
    join record_version v on v.record_id = l.record_id and v.version = l.record_version
    cross join lateral jsonb_array_elements(v.fields) f
    cross join lateral (select v.provenance -> (f ->> 'provenance')::integer as told) p
    where c.id = p_consent
      and (c.recorded_by = app_agency() or acts_for_person(c.case_id, c.subject_id))
      and (item #>> '{recipient,agencyId}' = l.recipient_agency_id::text or item #>> '{recipient,sector}' = a.sector)
      and r.type || '.' || (f ->> 'name') = any (l.fields)
      and item -> 'fields' ? (r.type || '.' || (f ->> 'name'))
      and c.subject_id = coalesce((p.told ->> 'informantPersonId')::uuid,
        case when p.told ->> 'informant' not in ('V', 'P', 'CH') then d.subject_id end)
    order by 1, 2, 3
  $$;

-- Those of the given programmes for which partner contact is guaranteed at p_at (R66): by an agreement in force with a service for
-- victims, or by such a service in the same organisation.
create function gate_partner_contact(p_programmes uuid[], p_at timestamptz) returns setof uuid
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select p.id
    from agency p
    where p.id = any (p_programmes) and exists (
      select from agency v
      where v.sector in ('victim_support', 'shelter') and v.suspended_at is null
        and (coalesce(v.parent_id, v.id) = coalesce(p.parent_id, p.id) or exists (
          select from agreement g
          where g.parties @> array[p.id, v.id] and not g.ended and 'partner_contact' = any (g.purposes)
            and g.valid_from <= p_at and p_at < least(g.valid_to, g.terminated_at))))
  $$;

do $$
declare
  f text;
begin
  grant create on schema public to ostiary_gate;
  foreach f in array array[
    'gate_standing(uuid)', 'acts_for_person(uuid, uuid)', 'gate_consent_recipients(uuid)',
    'gate_partner_contact(uuid[], timestamptz)'] loop
    execute format('alter function %s owner to ostiary_gate', f);
    execute format('revoke execute on function %s from public', f);
    execute format('grant execute on function %s to ostiary_app', f);
  end loop;
  revoke create on schema public from ostiary_gate;
end
$$;
