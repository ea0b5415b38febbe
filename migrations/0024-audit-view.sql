-- The index over the audit log by which data protection officers search. It is derived: filled after each tick from the events that
-- the log has taken in, in the order of their leaves, and filled anew whenever somebody wants. Codes, ids and times; no value, no
-- free text. No release waits for it.

-- What a supervisory authority of a country reads lies under one reader of its own.
create function authority_viewer(p_country text) returns uuid
  language sql immutable parallel safe
  as $$ select md5('ostiary/supervisory-authority/' || p_country)::uuid $$;

-- The reader of the transaction's agency, if it is a supervisory authority: the one of its own country.
create function my_authority() returns uuid
  language sql stable security definer set search_path = public, pg_temp
  as $$ select authority_viewer(a.country) from agency a where a.id = app_agency() and a.sector = 'supervisory_authority' $$;

-- One row per event, reader and view:
--   actor      the reader's agency did it: the public part, which is what it saw
--   source     records of the reader were named or weighed: what became of their values, with the true causes
--   concerned  somebody changed the reader's own entry
--   whole      both parts, for the supervisory authority of the country of whoever did it, and for the operator
create table audit_view (
  viewer_id uuid not null,
  at timestamptz not null,
  event_id uuid not null,
  view text collate "C" not null check (view in ('actor', 'source', 'concerned', 'whole')),
  leaf_index bigint not null,
  type text collate "C" not null,
  agency_id uuid,
  -- Not for a source: who works where is each agency's own matter.
  practitioner_id uuid,
  role text collate "C",
  case_id uuid,
  subject_id uuid,
  request_id uuid,
  disclosure_id uuid,
  purpose text collate "C",
  outcome text collate "C",
  exception text collate "C",
  -- Fields named, and selectors as they were asked for; of them those of which a value left.
  fields text[] not null,
  released text[] not null,
  rules text[] not null,
  reasons text[] not null,
  -- Other agencies in it, as far as this reader may know them.
  parties uuid[] not null,
  -- The reader's own records, in a source's view.
  records uuid[] not null,
  check (view <> 'source' or case_id is not null),
  -- Newest first is how it is read; every index below ends in the same order, so that a page of any filter is one range of one index.
  primary key (viewer_id, at, event_id, view)
);
create index audit_view_subject on audit_view (viewer_id, subject_id, at, event_id, view) where subject_id is not null;
create index audit_view_case on audit_view (viewer_id, case_id, at, event_id, view) where case_id is not null;
create index audit_view_practitioner on audit_view (viewer_id, practitioner_id, at, event_id, view) where practitioner_id is not null;
create index audit_view_type on audit_view (viewer_id, type, at, event_id, view);
create index audit_view_role on audit_view (viewer_id, role, at, event_id, view) where role is not null;
create index audit_view_purpose on audit_view (viewer_id, purpose, at, event_id, view) where purpose is not null;
create index audit_view_outcome on audit_view (viewer_id, outcome, at, event_id, view) where outcome is not null;
create index audit_view_exception on audit_view (viewer_id, exception, at, event_id, view) where exception is not null;
create index audit_view_disclosure on audit_view (viewer_id, disclosure_id, at, event_id, view) where disclosure_id is not null;
create index audit_view_request on audit_view (viewer_id, request_id, at, event_id, view) where request_id is not null;
create index audit_view_event on audit_view (event_id);
-- For taking away what is older than its events are kept.
create index audit_view_age on audit_view using brin (at);

-- What an event has several of (fields, rules, reasons, agencies), each under a key of eight bytes of a hash: a list in a GIN index
-- would have to be fetched and sorted as a whole before its newest fifty are known. Whoever reads looks at the row as well.
create table audit_view_term (
  viewer_id uuid not null,
  term bigint not null,
  at timestamptz not null,
  event_id uuid not null,
  view text collate "C" not null,
  primary key (viewer_id, term, at, event_id, view)
);
create index audit_view_term_age on audit_view_term using brin (at);

-- How far the index has come: the next leaf to look at, and the form that its rows have.
create table audit_view_cursor (
  singleton boolean primary key default true check (singleton),
  next_leaf bigint not null,
  form integer not null,
  indexed_at timestamptz not null
);

grant select on audit_view, audit_view_term, audit_view_cursor to ostiary_app, ostiary_gate, ostiary_worker, ostiary_auditor;
grant insert, delete, truncate on audit_view, audit_view_term to ostiary_worker;
grant insert, update, delete on audit_view_cursor to ostiary_worker;

-- An agency reads its own rows. To a source that acts, or ever acted, for the perpetrator nothing of others' requests: also not what
-- was written before it began to.
alter table audit_view enable row level security;
create policy own on audit_view for select to ostiary_app
  using (viewer_id = (select app_agency())
    and (view <> 'source' or not exists (
      select from case_member m
      where m.case_id = audit_view.case_id and m.agency_id = (select app_agency()) and m.acts_for = 'perpetrator')));
create policy authority on audit_view for select to ostiary_app using (viewer_id = (select my_authority()));
create policy all_rows on audit_view for select to ostiary_gate, ostiary_auditor using (true);
create policy worker on audit_view to ostiary_worker using (true) with check (true);
alter table audit_view_term enable row level security;
create policy own on audit_view_term for select to ostiary_app using (viewer_id = (select app_agency()));
create policy authority on audit_view_term for select to ostiary_app using (viewer_id = (select my_authority()));
create policy all_rows on audit_view_term for select to ostiary_gate, ostiary_auditor using (true);
create policy worker on audit_view_term to ostiary_worker using (true) with check (true);

-- Events whose private part holds nothing about anybody but who caused them: their officer may have both parts. A closed list; the
-- domain has the same.
create function private_part_is_own(p_type text) returns boolean
  language sql immutable parallel safe
  as $$
    select p_type in (
      'agreement.created', 'agreement.accepted', 'agreement.terminated', 'consent.recorded', 'review.decided',
      'policy.draft_created', 'policy.draft_changed', 'policy.draft_opened', 'policy.draft_commented', 'policy.draft_approved',
      'policy.draft_withdrawn', 'policy.activated', 'policy.replayed',
      'consult.log_searched', 'consult.log_event_viewed', 'consult.log_proof_viewed', 'consult.log_exported')
  $$;

-- One event as far as the transaction's agency may have it: both parts for the supervisory authority of its country, the public part
-- for whoever did it (and the private one where that is nothing but their own). A source gets what was asked and what became of its
-- own records, the true causes among it; somebody whose entry was changed, what was changed. Nobody else gets a row. An agency's own
-- events are there before they are indexed.
create function gate_audit_event(p_event uuid)
  returns table (
    actor boolean, authority boolean, source boolean, concerned boolean, id uuid, at timestamptz, type text, agency_id uuid, role text,
    practitioner_id uuid, case_id uuid, subject_id uuid, request_id uuid, public_part text, private_part text, own jsonb, changed jsonb)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select s.actor, s.authority, s.own is not null, s.concerned, e.id, e.at, e.type, e.agency_id,
      e.public_part::jsonb -> 'event' ->> 'role', case when w.whole then e.practitioner_id end, e.case_id, e.subject_id,
      case when w.whole then e.request_id end, case when w.whole then e.public_part end,
      case when s.authority or s.actor and private_part_is_own(e.type) then e.private_part end,
      case when s.own is not null then (
        select jsonb_build_object(
          'asked', jsonb_strip_nulls(jsonb_build_object(
            'disclosureId', p -> 'disclosureId', 'purpose', p -> 'purpose', 'exception', p -> 'exception', 'channel', p -> 'channel',
            'sealed', p -> 'sealed', 'justified', p -> 'justified', 'policy', p -> 'policy')),
          'records', to_jsonb(s.own),
          'entries', coalesce((select jsonb_agg(x) from jsonb_path_query(p, '$.entries[*]') x where x ->> 'recordId' = any (s.own::text[])), '[]'),
          'hidden', coalesce((select jsonb_agg(x) from jsonb_path_query(q, '$.hidden[*]') x where x ->> 'recordId' = any (s.own::text[])), '[]'))
        from (select e.public_part::jsonb as p, e.private_part::jsonb as q) parts) end,
      case when s.concerned then e.public_part::jsonb - 'event' end
    from audit_event e
    cross join lateral (
      select coalesce(e.agency_id = app_agency(), false) as actor,
        exists (select from audit_view v where v.event_id = e.id and v.viewer_id = my_authority()) as authority,
        exists (select from audit_view v where v.event_id = e.id and v.viewer_id = app_agency() and v.view = 'concerned') as concerned,
        (select v.records from audit_view v
          where v.event_id = e.id and v.viewer_id = app_agency() and v.view = 'source' and not on_perpetrator_side(v.case_id)) as own) s
    cross join lateral (select s.actor or s.authority as whole) w
    where e.id = p_event and (w.whole or s.concerned or s.own is not null)
  $$;

-- What proves it: salts as far as the parts are open, and where it stands in the log (null until the next tick).
create function gate_audit_proof(p_event uuid)
  returns table (public_part text, public_salt bytea, private_part text, private_salt bytea, leaf_index bigint)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select g.public_part, s.public_salt, g.private_part, case when g.private_part is not null then s.private_salt end, p.leaf_index
    from gate_audit_event(p_event) g
    join audit_salt s on s.event_id = g.id
    left join log_position p on p.event_id = g.id
    where g.actor or g.authority
  $$;

-- What somebody wrote in own words when the event happened, sealed, with the key that it lies under: for the officer of the agency that
-- wrote it, and for the supervisory authority of its country.
grant select on sealed_note to ostiary_gate;
create policy gate on sealed_note for select to ostiary_gate using (true);
create function gate_audit_notes(p_event uuid)
  returns table (kind text, id uuid, owner_id uuid, agency_id uuid, sealed bytea, wrapped_key bytea, subject_key bytea, key_epoch integer)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    with g as materialized (
      select e.id, e.type, e.agency_id, e.public_part::jsonb as part from gate_audit_event(p_event) e where e.actor or e.authority),
    notes as (
      select 'disclosure_notes' as kind, d.id, d.subject_id as owner_id, d.agency_id, d.notes_sealed as sealed, d.notes_key as wrapped_key
      from g join disclosure d on d.id = (g.part ->> 'disclosureId')::uuid and d.event_id = g.id
      union all
      select 'review_note', t.id, d.subject_id, t.agency_id, t.note_sealed, t.note_key
      from g join review_task t on g.type = 'review.decided' and t.id = (g.part ->> 'reviewId')::uuid and t.agency_id = g.agency_id
        join disclosure d on d.id = t.disclosure_id
      union all
      select n.kind, n.id, n.owner_id, n.agency_id, n.sealed, n.wrapped_key
      from g join sealed_note n on n.agency_id = g.agency_id
        and (g.type = 'alter.contested' and n.kind = 'contestation_note' and n.about_id = (g.part ->> 'recordId')::uuid
            and n.about_version = (g.part ->> 'version')::integer
          or g.type = 'consent.withdrawn' and n.kind = 'withdrawal_note' and n.about_id = (g.part ->> 'consentId')::uuid))
    select n.kind, n.id, n.owner_id, n.agency_id, n.sealed, n.wrapped_key, k.wrapped, k.key_epoch
    from notes n left join subject_key k on k.owner_id = n.owner_id and k.agency_id = n.agency_id
    where n.sealed is not null
    order by n.kind, n.id
  $$;

-- A past decision is explained to the supervisory authority as well: all of it, of agencies of its own country.
drop function gate_decision(uuid);
create function gate_decision(p_disclosure uuid)
  returns table (asked boolean, oversees boolean, own_records uuid[], decision decision_record, public_part text, private_part text)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select a.asked, a.oversees, s.own, d, e.public_part, case when s.own <> '{}' then e.private_part end
    from decision_record d
    join disclosure o on o.id = d.id
    left join audit_event e on e.id = d.event_id and e.at = d.decided_at
    cross join lateral (
      select d.agency_id = app_agency() as asked,
        exists (select from agency g where g.id = d.agency_id and authority_viewer(g.country) = my_authority()) as oversees) a
    cross join lateral (select case
      when a.oversees then array(select r.id from record r where r.case_id = d.case_id and o.record_versions ? r.id::text)
      when on_perpetrator_side(d.case_id) then '{}'
      else array(select r.id from record r where r.agency_id = app_agency() and r.case_id = d.case_id and o.record_versions ? r.id::text)
      end as own) s
    where d.id = p_disclosure and (a.asked or s.own <> '{}')
  $$;

do $$
declare
  f text;
begin
  grant create on schema public to ostiary_gate;
  foreach f in array array['my_authority()', 'gate_decision(uuid)', 'gate_audit_event(uuid)', 'gate_audit_proof(uuid)', 'gate_audit_notes(uuid)'] loop
    execute format('alter function %s owner to ostiary_gate', f);
    execute format('revoke execute on function %s from public', f);
    execute format('grant execute on function %s to ostiary_app', f);
  end loop;
  revoke create on schema public from ostiary_gate;
end
$$;
