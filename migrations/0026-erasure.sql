-- Erasure of a person at one agency, and retention of audit events. Both leave the tree of the log as it is: what is destroyed are
-- keys, salts and rows, never leaves. Each is an audit event itself, and what was destroyed is listed here under that event, so that
-- the self-check can tell it from what somebody took away.

-- Salts that an erasure destroyed: the commitments of these events can never be opened again.
create table audit_salt_destroyed (
  event_id uuid primary key,
  at timestamptz not null,
  -- The event `erase.person_erased` that vouches for it by a digest over all of its own.
  erased_by uuid not null
);
create index audit_salt_destroyed_by on audit_salt_destroyed (erased_by);

-- Keys of a person at an agency that were destroyed. A new one may be made later, for what is recorded anew.
create table subject_key_destroyed (
  owner_id uuid not null,
  agency_id uuid not null,
  at timestamptz not null,
  erased_by uuid primary key
);
create index subject_key_destroyed_owner on subject_key_destroyed (owner_id, agency_id);

-- Versions of records that lay under such a key. Exact, where comparing times would be up to the clocks of several machines.
create table record_version_erased (
  record_id uuid not null,
  version integer not null,
  agency_id uuid not null,
  erased_by uuid not null,
  primary key (record_id, version)
);

-- Months of audit events that were retired: detached, written to an archive or not, dropped with their salts.
create table audit_retired (
  -- First day of the month, in UTC.
  month date primary key,
  partition text not null,
  events bigint not null,
  -- Smallest and largest leaf among them; null when there was none.
  first_leaf bigint,
  last_leaf bigint,
  -- Events of other months whose leaves lie in between: ticks around midnight hold some of both. So the retired ones are exactly
  -- the positions from first to last without these.
  others uuid[] not null default '{}',
  -- Over the ids of the retired events (src/domain/log/event-digest.ts), as the event says.
  digest text not null,
  -- SHA-256 of the archive's lines of this month, in hexadecimal; null when nothing was kept.
  archive_sha256 text,
  -- The event `erase.audit_retired`.
  retired_by uuid not null unique,
  retired_at timestamptz not null default now()
);

do $$
declare
  t text;
begin
  foreach t in array array['audit_salt_destroyed', 'subject_key_destroyed', 'record_version_erased', 'audit_retired'] loop
    execute format('create trigger append_only before update or delete on %I for each row execute function refuse_change()', t);
    execute format('create trigger no_truncate before truncate on %I for each statement execute function refuse_change()', t);
    execute format('grant select on %I to ostiary_gate, ostiary_worker, ostiary_auditor', t);
  end loop;
end
$$;
-- An agency knows which of its own record versions are gone.
alter table record_version_erased enable row level security;
create policy read_own on record_version_erased for select to ostiary_app using (agency_id = app_agency());
create policy everything on record_version_erased for select to ostiary_gate, ostiary_worker, ostiary_auditor using (true);
grant select on record_version_erased to ostiary_app;

alter table subject_key_destroyed enable row level security;
create policy everything on subject_key_destroyed for select to ostiary_gate, ostiary_worker, ostiary_auditor using (true);

-- A salt goes only after it was listed as destroyed, or in the very transaction that retires a month.
create function refuse_salt_change() returns trigger
  language plpgsql
  as $$
begin
  if tg_op = 'DELETE' and (
    exists (select from audit_salt_destroyed d where d.event_id = old.event_id)
    or exists (select from audit_retired r where r.retired_at = now())) then
    return old;
  end if;
  raise exception 'table % is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;
drop trigger append_only on audit_salt;
create trigger append_only before update or delete on audit_salt for each row execute function refuse_salt_change();

-- Events about a person that the transaction's agency caused and whose salts are still there. Events of erasure stay provable.
create function erasable_events(p_person uuid) returns setof uuid
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select e.id from audit_event e join audit_salt s on s.event_id = e.id
    where e.agency_id = app_agency() and e.subject_id = p_person and e.type not like 'erase.%'
  $$;

-- Destroys the key of a person at the transaction's agency and the salts of the given events, for which the event `p_by` of this
-- transaction vouches. Tells how many record versions were closed and whether there was a key. Owner's rights, because nobody else
-- may delete any of this; whoever may call it needs a grant of its own.
create function erase_person(p_person uuid, p_events uuid[], p_by uuid, p_at timestamptz)
  returns table (versions integer, had_key boolean)
  language plpgsql security definer set search_path = public, pg_temp
  as $$
declare
  listed integer;
begin
  if not exists (select from audit_event e where e.id = p_by and e.at = p_at and e.type = 'erase.person_erased'
      and e.agency_id = app_agency() and e.subject_id = p_person) then
    raise exception 'no event vouches for this erasure' using errcode = 'restrict_violation';
  end if;
  insert into audit_salt_destroyed (event_id, at, erased_by)
    select e.id, p_at, p_by from erasable_events(p_person) as e (id) where e.id = any (p_events);
  get diagnostics listed = row_count;
  if listed <> cardinality(p_events) then
    raise exception 'not all of these events are this agency''s about this person' using errcode = 'restrict_violation';
  end if;
  delete from audit_salt s where s.event_id = any (p_events);
  insert into record_version_erased (record_id, version, agency_id, erased_by)
    select v.record_id, v.version, v.agency_id, p_by from record_version v
    where v.key_owner_id = p_person and v.agency_id = app_agency()
    on conflict do nothing;
  get diagnostics versions = row_count;
  -- The agency's own words for the person: closed as well, and of no use to anybody.
  delete from local_reference l where l.agency_id = app_agency() and l.about_id = p_person;
  delete from subject_key k where k.owner_id = p_person and k.agency_id = app_agency();
  had_key := found;
  insert into subject_key_destroyed (owner_id, agency_id, at, erased_by) values (p_person, app_agency(), p_at, p_by);
  return next;
end
$$;
revoke execute on function erasable_events(uuid), erase_person(uuid, uuid[], uuid, timestamptz) from public;

-- Why one of the agency's own events cannot be opened any more; null when it was neither erased nor retired. Of a retired event
-- nothing says any more whose it was: to be asked only for an event that is known to be the agency's.
create function gate_proof_loss(p_event uuid) returns text
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select case
      when exists (select from audit_salt_destroyed d join audit_event e on e.id = d.event_id
        where d.event_id = p_event and e.agency_id = app_agency()) then 'erased'
      when not exists (select from audit_event e where e.id = p_event) and exists (
        select from log_position p join audit_retired r on p.leaf_index between r.first_leaf and r.last_leaf
        where p.event_id = p_event and p_event <> all (r.others)) then 'retired'
    end
  $$;

-- As in 0013; but a version that lay under a destroyed key has none, even where a new key was made since.
create or replace function gate_values(p_case uuid, p_subject uuid, p_types text[], p_versions jsonb)
  returns table (
    record_id uuid, version integer, type text, subject_id uuid, agency_id uuid, sector text, organisation_id uuid, public boolean,
    competent_authority boolean, acts_for text, fields jsonb, current_fields jsonb, provenance jsonb, conditions text[],
    sealed bytea, wrapped_key bytea, sealed_flags bytea, key_owner_id uuid, subject_key bytea, key_epoch integer, released text[])
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select v.record_id, v.version, r.type, r.subject_id, r.agency_id, a.sector, coalesce(a.parent_id, a.id), a.public,
      a.competent_authority, m.acts_for, v.fields, c.fields, v.provenance, v.conditions,
      case when r.type = any (p_types) then v.sealed end,
      v.wrapped_key, v.sealed_flags, v.key_owner_id, k.wrapped, k.key_epoch, f.fields
    from record r
    join record_version v on v.record_id = r.id and v.version = coalesce((p_versions ->> r.id::text)::integer, r.version)
    left join record_version c on c.record_id = r.id and c.version = r.version and v.version <> r.version
    join agency a on a.id = r.agency_id
    left join case_member m on m.case_id = r.case_id and m.agency_id = r.agency_id
      and m.ended_at is null and (m.until is null or m.until > now())
    left join subject_key k on k.owner_id = v.key_owner_id and k.agency_id = v.agency_id
      and not exists (select from record_version_erased x where x.record_id = v.record_id and x.version = v.version)
    left join released_fields f on f.recipient_agency_id = (select app_agency()) and f.record_id = r.id
    where r.case_id = p_case and (r.subject_id = p_subject or r.subject_id is null)
      and (r.type = any (p_types) or v.sealed_flags is not null)
      and (p_versions is null or p_versions ? r.id::text)
      and is_case_member(p_case)
    order by r.created_at, r.id
  $$;

-- As in 0012; but not with a key that was made after the one was destroyed under which the facts of then lie.
create or replace view decision_record as
  select d.id, d.kind, d.case_id, d.subject_id, d.agency_id, d.role, d.purpose, d.outcome, d.policy_version, d.catalogue_version,
    d.event_id, d.decided_at, d.facts,
    (select coalesce(jsonb_agg(jsonb_build_object(
        'ownerId', k.owner_id, 'agencyId', k.agency_id, 'wrapped', encode(k.wrapped, 'base64'), 'epoch', k.key_epoch)), '[]')
      from subject_key k where k.owner_id in (d.subject_id, d.case_id)
        and not exists (select from subject_key_destroyed x
          where x.owner_id = k.owner_id and x.agency_id = k.agency_id and x.at >= d.decided_at)) as keys
  from disclosure d;

do $$
begin
  grant create on schema public to ostiary_gate;
  alter function gate_proof_loss(uuid) owner to ostiary_gate;
  revoke create on schema public from ostiary_gate;
end
$$;
revoke execute on function gate_proof_loss(uuid) from public;
grant execute on function gate_proof_loss(uuid) to ostiary_app;
