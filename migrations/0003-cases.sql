-- Cases, the persons in them, the agencies that work them, and the records they deposit.
-- Every table that holds case data carries case_id or agency_id, the key by which it could be distributed.
create table case_file (
  id uuid primary key,
  created_by uuid not null references agency,
  version integer not null default 1,
  created_at timestamptz not null default now()
);

-- Each agency's own words for a case or a person; never shown to another. Sealed like a value.
create table local_reference (
  agency_id uuid not null,
  case_id uuid not null references case_file,
  -- The person, or the case itself.
  about_id uuid not null,
  sealed bytea not null,
  wrapped_key bytea not null,
  primary key (agency_id, about_id)
);

create table case_person (
  id uuid primary key,
  case_id uuid not null references case_file,
  roles text[] not null,
  brought_by uuid not null references agency,
  created_at timestamptz not null default now()
);
create index case_person_case on case_person (case_id);

create table case_member (
  case_id uuid not null references case_file,
  agency_id uuid not null references agency,
  acts_for text not null check (acts_for in ('victim', 'perpetrator', 'child', 'all')),
  added_by uuid not null references agency,
  since timestamptz not null default now(),
  until timestamptz,
  ended_at timestamptz,
  primary key (case_id, agency_id, since)
);
create unique index case_member_current on case_member (case_id, agency_id) where ended_at is null;
create index case_member_agency on case_member (agency_id);

-- Data keys of records are wrapped under a key per (person or case, controlling agency), which is wrapped under the
-- key-encryption key of an epoch. Destroying a row makes what this agency holds of that person unreadable, and nothing else.
create table subject_key (
  owner_id uuid not null,
  agency_id uuid not null,
  case_id uuid not null references case_file,
  key_epoch integer not null references key_epoch,
  wrapped bytea not null,
  created_at timestamptz not null default now(),
  primary key (owner_id, agency_id)
);
create index subject_key_epoch on subject_key (key_epoch);

create table record (
  id uuid primary key,
  case_id uuid not null references case_file,
  agency_id uuid not null references agency,
  -- Null only for record types whose subject is the case.
  subject_id uuid references case_person,
  type text not null,
  version integer not null,
  created_at timestamptz not null default now()
);
create index record_case on record (case_id, type);

-- One row per version, never changed. `sealed` holds the ciphertexts of all fields one after the other; `fields` says for
-- each: name, offset, length, the version in which it was set (part of its associated data), its provenance, its state.
create table record_version (
  record_id uuid not null references record,
  version integer not null,
  case_id uuid not null,
  agency_id uuid not null,
  subject_id uuid,
  change text not null check (change in ('deposit', 'amend', 'verify', 'contest', 'restrict', 'unrestrict')),
  practitioner_id uuid,
  key_owner_id uuid not null,
  wrapped_key bytea not null,
  sealed bytea not null,
  fields jsonb not null,
  provenance jsonb not null,
  sealed_flags bytea,
  conditions text[] not null default '{}',
  created_at timestamptz not null default now(),
  primary key (record_id, version)
);
create index record_version_case on record_version (case_id);

create table consent (
  id uuid primary key,
  case_id uuid not null references case_file,
  subject_id uuid not null references case_person,
  recorded_by uuid not null references agency,
  practitioner_id uuid,
  items jsonb not null,
  explicit boolean not null,
  language text not null,
  notice_version text not null,
  evidence_ref text not null,
  circumstances jsonb not null,
  given_at timestamptz not null,
  expires_at timestamptz not null,
  withdrawn_at timestamptz,
  withdrawn_by uuid,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  check (given_at < expires_at)
);
create index consent_case on consent (case_id);

do $$
declare
  t text;
begin
  foreach t in array array['case_file', 'local_reference', 'case_person', 'case_member', 'subject_key', 'record', 'record_version', 'consent'] loop
    execute format('alter table %I enable row level security', t);
    execute format('create policy gate on %I for select to ostiary_gate using (true)', t);
    execute format('create policy worker on %I for select to ostiary_worker using (true)', t);
    execute format('grant select on %I to ostiary_gate, ostiary_worker', t);
    execute format('grant select, insert on %I to ostiary_app', t);
  end loop;
end
$$;
grant update on case_file, record, consent to ostiary_app;
-- A membership is ended, and never reworded.
grant update (ended_at) on case_member to ostiary_app;

-- Whether the transaction's agency works this case now. Security definer: reading case_member under its own policy would recurse.
create function is_case_member(p_case uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select exists (
      select from case_member m
      where m.case_id = p_case and m.agency_id = app_agency()
        and m.ended_at is null and (m.until is null or m.until > now()))
  $$;

create policy member on case_file to ostiary_app
  using (created_by = app_agency() or is_case_member(id)) with check (created_by = app_agency() or is_case_member(id));
create policy own on local_reference to ostiary_app using (agency_id = app_agency()) with check (agency_id = app_agency());
-- An agency sees the persons it brought; what else it may see, the case view decides (architecture §4).
create policy own on case_person to ostiary_app
  using (brought_by = app_agency()) with check (brought_by = app_agency() and is_case_member(case_id));
-- Whether it works it for everybody, as police and courts do: then it may bring others in and let them go.
create function acts_for_all(p_case uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select exists (select from agency a where a.id = app_agency() and a.operator) or exists (
      select from case_member m
      where m.case_id = p_case and m.agency_id = app_agency() and m.acts_for = 'all'
        and m.ended_at is null and (m.until is null or m.until > now()))
  $$;

-- Whether it has opened the case and nobody ever worked it: then it becomes the first member.
create function is_new_case(p_case uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select exists (select from case_file c where c.id = p_case and c.created_by = app_agency())
      and not exists (select from case_member m where m.case_id = p_case)
  $$;

-- Nobody lets himself into a case, nor back into it.
create policy read_own on case_member for select to ostiary_app
  using (agency_id = app_agency() or added_by = app_agency() or acts_for_all(case_id));
create policy bring on case_member for insert to ostiary_app
  with check (added_by = app_agency() and ended_at is null
    and (acts_for_all(case_id) or agency_id = app_agency() and is_new_case(case_id)));
create policy let_go on case_member for update to ostiary_app
  using (ended_at is null and (agency_id = app_agency() or added_by = app_agency() or acts_for_all(case_id)))
  with check (ended_at is not null);
create policy own on subject_key to ostiary_app using (agency_id = app_agency()) with check (agency_id = app_agency());
create policy own on record to ostiary_app using (agency_id = app_agency()) with check (agency_id = app_agency() and is_case_member(case_id));
create policy own on record_version to ostiary_app
  using (agency_id = app_agency()) with check (agency_id = app_agency() and is_case_member(case_id));
create policy read_own on consent for select to ostiary_app using (recorded_by = app_agency());
create policy take_down on consent for insert to ostiary_app with check (recorded_by = app_agency() and is_case_member(case_id));
create policy change_own on consent for update to ostiary_app
  using (recorded_by = app_agency()) with check (recorded_by = app_agency());
-- Re-wrapping under a new epoch touches every agency's keys, never a value.
create policy rewrap on subject_key for update to ostiary_worker using (true) with check (true);
grant update (wrapped, key_epoch) on subject_key to ostiary_worker;
