-- Who takes part: agencies (each is an OAuth client), their practitioners, agreements between them.
create table agency (
  id uuid primary key,
  client_id text not null unique,
  parent_id uuid references agency,
  name text not null,
  sector text not null,
  country text not null check (country ~ '^[A-Z]{2}$'),
  public boolean not null,
  phases smallint[] not null default '{}',
  competent_authority boolean not null default false,
  national_authorisation_ref text,
  jwks jsonb not null,
  sealing_key bytea check (octet_length(sealing_key) = 32),
  contacts jsonb not null default '[]',
  -- The operator runs the server: it may create agencies, and never receives a value for that.
  operator boolean not null default false,
  scopes text[] not null,
  suspended_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default now()
);
create index agency_parent on agency (parent_id);

create table practitioner (
  id uuid primary key,
  agency_id uuid not null references agency,
  local_id text not null,
  roles text[] not null,
  trainings jsonb not null default '[]',
  jwk jsonb,
  active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  unique (agency_id, local_id)
);

create table agreement (
  id uuid primary key,
  title text not null,
  parties uuid[] not null,
  purposes text[] not null,
  valid_from timestamptz not null,
  valid_to timestamptz not null,
  document_ref text not null,
  signatories jsonb not null,
  terminated_at timestamptz,
  -- Ended at once: from that commit on it opens nothing, whatever the clock of the node that decides says.
  ended boolean not null default false,
  created_by uuid not null references agency,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  check (valid_from < valid_to)
);
create index agreement_parties on agreement using gin (parties);

grant select, insert, update on agency, practitioner, agreement to ostiary_app;
grant select on agency, practitioner, agreement to ostiary_gate, ostiary_worker;
-- What an agency is, it stays.
revoke update on agency from ostiary_app;
grant update (name, country, public, phases, competent_authority, national_authorisation_ref, jwks, sealing_key, contacts, scopes,
  suspended_at, version) on agency to ostiary_app;

-- Whether the transaction's agency runs the server. Security definer: reading agency under its own policy would recurse.
create function runs_server() returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from agency a where a.id = app_agency() and a.operator) $$;

-- The directory of agencies is no secret among them; who works where is each agency's own matter.
alter table agency enable row level security;
create policy directory on agency for select using (true);
create policy register on agency for insert to ostiary_app with check (runs_server() and not operator);
create policy own on agency for update to ostiary_app
  using (id = app_agency() or runs_server()) with check (id = app_agency() or runs_server());

alter table practitioner enable row level security;
create policy own on practitioner to ostiary_app
  using (agency_id = app_agency() or exists (select from agency a where a.id = app_agency() and a.operator))
  with check (agency_id = app_agency() or exists (select from agency a where a.id = app_agency() and a.operator));
create policy gate on practitioner for select to ostiary_gate, ostiary_worker using (true);

alter table agreement enable row level security;
create policy party on agreement to ostiary_app
  using (app_agency() = any (parties) or exists (select from agency a where a.id = app_agency() and a.operator))
  with check (app_agency() = any (parties) or exists (select from agency a where a.id = app_agency() and a.operator));
create policy gate on agreement for select to ostiary_gate, ostiary_worker using (true);

-- Token server: what oidc-provider keeps, and what may be seen only once (assertion and proof ids).
create table oidc_payload (
  model text not null,
  id text not null,
  payload jsonb not null,
  grant_id text,
  uid text,
  user_code text,
  consumed_at timestamptz,
  expires_at timestamptz not null,
  primary key (model, id)
);
create index oidc_payload_grant on oidc_payload (grant_id);
create index oidc_payload_uid on oidc_payload (model, uid);
create index oidc_payload_expiry on oidc_payload (expires_at);

create table replay_guard (
  kind text not null,
  id text not null,
  expires_at timestamptz not null,
  primary key (kind, id)
);
create index replay_guard_expiry on replay_guard (expires_at);
grant select, insert, update, delete on oidc_payload, replay_guard to ostiary_app;
grant select, delete on oidc_payload, replay_guard to ostiary_worker;

-- Server keys: token signing (several while one is being rotated out) and log signing; sealed under the key-encryption key.
create table server_key (
  kid text primary key,
  purpose text not null check (purpose in ('token', 'log', 'cookie', 'cursor')),
  sealed_private bytea not null,
  public_key jsonb not null,
  key_epoch integer not null,
  created_at timestamptz not null default now(),
  -- Token keys are published before they sign, and after they stopped, so that no verifier meets an unknown key.
  signs_from timestamptz not null default now(),
  signs_until timestamptz,
  published_until timestamptz
);
grant select on server_key to ostiary_app, ostiary_worker;

-- Key-encryption keys live outside the database; here only which epochs exist, with a value to recognise a wrong key.
create table key_epoch (
  epoch integer primary key,
  check_value bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);
grant select on key_epoch to ostiary_app, ostiary_worker;
