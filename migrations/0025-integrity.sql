-- The log is checked against itself and the tables against the log, all the time; what does not fit is an incident.

-- Key under which every tick of the log fixes the events that it integrated (anchors).
alter table server_key drop constraint server_key_purpose_check;
alter table server_key add constraint server_key_purpose_check
  check (purpose in ('token', 'log', 'cookie', 'cursor', 'anchor'));

-- From which tree size on ticks have an anchor, written by the first that has one; `mark` is made with the anchor key, so that
-- nobody without it can declare more of the log old.
create table log_anchor_start (
  singleton boolean primary key default true check (singleton),
  size bigint not null,
  mark bytea not null check (octet_length(mark) = 32)
);
grant select, insert on log_anchor_start to ostiary_worker;
grant select on log_anchor_start to ostiary_auditor;

-- Something stored is not what the log says. Ids and names alone, never content.
create table integrity_incident (
  id uuid primary key,
  -- What is wrong: src/domain/integrity/finding.ts.
  kind text not null,
  -- Of which table; the row by its key as text.
  table_name text not null,
  row_ref text not null,
  -- The audit event that it is about, where there is one.
  about_event uuid,
  found_at timestamptz not null,
  -- The cycle that last met it.
  last_seen_at timestamptz not null,
  state text not null default 'open' check (state in ('open', 'closed')),
  closed_at timestamptz,
  -- Why an operator thinks that it is settled.
  closed_reason text,
  -- Events of its discovery and its end.
  found_event uuid not null,
  closed_event uuid,
  unique (kind, table_name, row_ref),
  check ((state = 'closed') = (closed_at is not null and closed_reason is not null and closed_event is not null))
);
create index integrity_incident_open on integrity_incident (found_at) where state = 'open';
create trigger no_delete before delete on integrity_incident for each row execute function refuse_change();
create trigger no_truncate before truncate on integrity_incident for each statement execute function refuse_change();
grant select, insert on integrity_incident to ostiary_worker;
grant update (last_seen_at, state, closed_at, closed_reason, closed_event) on integrity_incident to ostiary_worker;
grant select on integrity_incident to ostiary_auditor;

-- How far the self-check is, so that any node goes on where another stopped.
create table integrity_cycle (
  singleton boolean primary key default true check (singleton),
  started_at timestamptz not null,
  -- When the last whole cycle was over, and what it counted: names and numbers.
  finished_at timestamptz,
  finished jsonb,
  -- Null between two cycles.
  stage text,
  position text,
  counts jsonb not null default '{}'
);
grant select, insert, update on integrity_cycle to ostiary_worker;
grant select on integrity_cycle to ostiary_auditor;
