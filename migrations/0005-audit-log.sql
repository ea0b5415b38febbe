-- The audit events and the C2SP tiled log over them (architecture §6).
-- public_part: what the requester saw; private_part: the rest. Canonical JSON (RFC 8785) as text, so that the commitment can be
-- computed again from the very bytes. Never a field value.
create table audit_event (
  id uuid not null,
  at timestamptz not null,
  type text not null,
  agency_id uuid,
  practitioner_id uuid,
  case_id uuid,
  subject_id uuid,
  request_id uuid,
  public_part text not null,
  private_part text not null,
  primary key (id, at)
) partition by range (at);
create table audit_event_default partition of audit_event default;
create index audit_event_agency on audit_event (agency_id, at desc);
create index audit_event_subject on audit_event (subject_id, at desc);

-- Salts and positions live apart: destroying a salt closes a commitment for ever and leaves the tree intact.
create table audit_salt (
  event_id uuid primary key,
  public_salt bytea not null check (octet_length(public_salt) = 32),
  private_salt bytea not null check (octet_length(private_salt) = 32)
);

-- Entries that wait for the next tick, in the same transaction as their event.
create table log_pending (
  seq bigint generated always as identity primary key,
  event_id uuid not null,
  entry bytea not null check (octet_length(entry) = 64)
);

create table log_position (
  event_id uuid primary key,
  leaf_index bigint not null unique
);

-- Tiles and entry bundles exactly as served. Partial ones are replaced when they grow: they are a prefix of what follows.
create table log_tile (
  level smallint not null,
  tile_index bigint not null,
  width smallint not null check (width between 1 and 256),
  bytes bytea not null,
  primary key (level, tile_index)
);
create table log_bundle (
  bundle_index bigint primary key,
  width smallint not null check (width between 1 and 256),
  bytes bytea not null
);
create table log_checkpoint (
  size bigint primary key,
  root bytea not null check (octet_length(root) = 32),
  note text not null,
  published_at timestamptz not null default now()
);

grant insert on audit_event, audit_salt, log_pending to ostiary_app, ostiary_worker;
grant select on audit_event, audit_salt, log_position, log_checkpoint to ostiary_gate, ostiary_worker, ostiary_auditor;
grant select on log_tile, log_bundle, log_checkpoint to ostiary_app, ostiary_worker, ostiary_auditor;
grant select, delete on log_pending to ostiary_worker;
grant insert on log_position, log_checkpoint to ostiary_worker;
grant insert, update on log_tile, log_bundle to ostiary_worker;

-- An agency reads the events it caused; a DPO's wider view comes through functions of the gate role.
alter table audit_event enable row level security;
create policy read_own on audit_event for select to ostiary_app using (agency_id = app_agency());
create policy write on audit_event for insert to ostiary_app with check (agency_id is not distinct from app_agency());
create policy gate on audit_event for select to ostiary_gate, ostiary_worker, ostiary_auditor using (true);
create policy worker_write on audit_event for insert to ostiary_worker with check (true);
-- The private part holds what was kept from this very agency: the app role cannot read it.
grant select (id, at, type, agency_id, practitioner_id, case_id, subject_id, request_id, public_part) on audit_event to ostiary_app;

do $$
declare
  t text;
begin
  foreach t in array array['audit_event', 'audit_salt', 'log_position', 'log_checkpoint', 'release_ledger'] loop
    execute format('create trigger append_only before update or delete on %I for each row execute function refuse_change()', t);
    execute format('create trigger no_truncate before truncate on %I for each statement execute function refuse_change()', t);
  end loop;
end
$$;

-- Adds the partitions of the given month and of the two after it. Run by the worker; owner's rights, because it creates tables.
create function ensure_audit_partitions(p_at timestamptz) returns void
  language plpgsql security definer set search_path = public, pg_temp
  as $$
declare
  first_day timestamptz;
  name text;
begin
  for step in 0..2 loop
    first_day := date_trunc('month', p_at at time zone 'UTC') at time zone 'UTC' + make_interval(months => step);
    name := 'audit_event_' || to_char(first_day at time zone 'UTC', 'YYYYMM');
    if to_regclass(name) is null then
      execute format('create table %I partition of audit_event for values from (%L) to (%L)', name, first_day, first_day + interval '1 month');
      execute format('create trigger no_truncate before truncate on %I for each statement execute function refuse_change()', name);
    end if;
  end loop;
end
$$;
revoke execute on function ensure_audit_partitions(timestamptz) from public;
grant execute on function ensure_audit_partitions(timestamptz) to ostiary_worker;
select ensure_audit_partitions(now());
