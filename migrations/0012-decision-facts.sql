-- What each decision was made on, so that it can be explained and repeated later under the same or another policy.

-- The field catalogues that recorded facts refer to: they name fields by their place in one. A row for each catalogue that a server
-- of this database ever ran with.
create table catalogue_version (
  id integer generated always as identity primary key,
  hash text not null unique,
  -- Record types and their fields, without what only deposits need.
  records jsonb not null,
  created_at timestamptz not null default now()
);
create trigger append_only before update or delete on catalogue_version for each row execute function refuse_change();
create trigger no_truncate before truncate on catalogue_version for each statement execute function refuse_change();
grant select, insert on catalogue_version to ostiary_app;
grant select on catalogue_version to ostiary_gate, ostiary_worker, ostiary_auditor;

alter table disclosure
  -- No reference: it would lock one row of that table in every decision.
  add column catalogue_version integer,
  -- Sealed under the subject keys of the agency that asked and of every agency whose records were looked at: with any of them
  -- destroyed they stay closed. Null for decisions from before this column.
  add column facts bytea,
  -- The same stands in the public part of the event, under the log's commitment; no need to parse, compress and log it twice.
  drop column items;
-- Does not compress, so it is not tried.
alter table disclosure alter column facts set storage external;

-- A decision with its facts and the keys under which they may lie. For the gate's functions and the operator alone.
create view decision_record as
  select d.id, d.kind, d.case_id, d.subject_id, d.agency_id, d.role, d.purpose, d.outcome, d.policy_version, d.catalogue_version,
    d.event_id, d.decided_at, d.facts,
    (select coalesce(jsonb_agg(jsonb_build_object(
        'ownerId', k.owner_id, 'agencyId', k.agency_id, 'wrapped', encode(k.wrapped, 'base64'), 'epoch', k.key_epoch)), '[]')
      from subject_key k where k.owner_id in (d.subject_id, d.case_id)) as keys
  from disclosure d;
grant select on decision_record to ostiary_gate;

-- A past decision for whoever may have it explained: `asked` when it was this agency's own request; `own_records` are those of this
-- agency that were looked at. Nothing when it is neither. To a source that acts, or ever acted, for the perpetrator none of its
-- records count: that somebody asked about him is not told to his side, and what was weighed may be hers. The facts and the private
-- part of the event come for own records alone.
create function gate_decision(p_disclosure uuid)
  returns table (asked boolean, own_records uuid[], decision decision_record, public_part text, private_part text)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select a.asked, s.own, d, e.public_part, case when s.own <> '{}' then e.private_part end
    from decision_record d
    join disclosure o on o.id = d.id
    left join audit_event e on e.id = d.event_id and e.at = d.decided_at
    cross join lateral (select d.agency_id = app_agency() as asked) a
    cross join lateral (select case when on_perpetrator_side(d.case_id) then '{}' else array(
      select r.id from record r where r.agency_id = app_agency() and r.case_id = d.case_id and o.record_versions ? r.id::text) end as own) s
    where d.id = p_disclosure and (a.asked or s.own <> '{}')
  $$;

-- The decisions of the transaction's agency in a window, the oldest first, from a position on: for trying another policy on them.
create function gate_decisions(p_from timestamptz, p_to timestamptz, p_at timestamptz, p_id uuid, p_limit integer)
  returns setof decision_record
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select d.*
    from decision_record d
    where d.agency_id = app_agency() and d.decided_at >= p_from and d.decided_at < p_to
      and (p_at is null or (d.decided_at, d.id) > (p_at, p_id))
    order by d.decided_at, d.id limit p_limit
  $$;

do $$
declare
  f text;
begin
  grant create on schema public to ostiary_gate;
  foreach f in array array['gate_decision(uuid)', 'gate_decisions(timestamptz, timestamptz, timestamptz, uuid, integer)'] loop
    execute format('alter function %s owner to ostiary_gate', f);
    execute format('revoke execute on function %s from public', f);
    execute format('grant execute on function %s to ostiary_app', f);
  end loop;
  revoke create on schema public from ostiary_gate;
end
$$;
