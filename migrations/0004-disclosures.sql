-- Decisions, what left by them, and the tasks that they open.
create table policy_version (
  version integer primary key,
  hash text not null,
  documents jsonb not null,
  created_at timestamptz not null default now(),
  created_by uuid
);
-- The one version in force. Activation takes the policy lock exclusively, every decision takes it shared.
create table policy_active (
  singleton boolean primary key default true check (singleton),
  version integer not null references policy_version,
  activated_at timestamptz not null default now(),
  activated_by uuid
);
grant select on policy_version, policy_active to ostiary_app, ostiary_gate, ostiary_worker, ostiary_auditor;

create table disclosure (
  id uuid primary key,
  -- preview: decided and audited, but no value was or will be opened for it
  kind text not null check (kind in ('disclosure', 'preview')),
  case_id uuid not null,
  subject_id uuid not null,
  agency_id uuid not null,
  practitioner_id uuid not null,
  role text not null,
  purpose text not null,
  -- Selectors as asked, so that a replay or a release after review asks for the same.
  requested text[] not null,
  -- Overall outcome as the requester saw it.
  outcome text not null check (outcome in ('full', 'partial', 'none', 'review')),
  -- What the requester saw of each entry, without values; silent entries are not in it.
  items jsonb not null,
  -- Versions of all records that were considered, silent ones included, for a repeated request. Never leaves.
  record_versions jsonb not null,
  policy_version integer not null,
  exception text,
  sealed boolean not null default false,
  -- Justification, ethics note and exception note, sealed like a value of the subject.
  notes_sealed bytea,
  notes_key bytea,
  -- Some entries wait for a person at the source; the tasks in review_task say how far they are.
  under_review boolean not null default false,
  replay_of uuid,
  released_from uuid,
  event_id uuid not null,
  -- SHA-256(0x00 || entry) of the event, as the receipt gave it.
  leaf_hash bytea not null,
  decided_at timestamptz not null
);
create index disclosure_agency on disclosure (agency_id, decided_at desc, id);
create index disclosure_case on disclosure (case_id, decided_at desc);

-- The ledger: which version of which record's fields went to whom by which disclosure (GDPR art. 15(1)(c), 19; LED art. 25).
create table release_ledger (
  disclosure_id uuid not null,
  record_id uuid not null,
  record_version integer not null,
  case_id uuid not null,
  subject_id uuid,
  source_agency_id uuid not null,
  recipient_agency_id uuid not null,
  fields text[] not null,
  purpose text not null,
  expires_at timestamptz,
  released_at timestamptz not null,
  primary key (disclosure_id, record_id)
);
create index release_ledger_record on release_ledger (record_id, recipient_agency_id);
create index release_ledger_source on release_ledger (source_agency_id, released_at desc);

-- Which fields of a record a recipient has ever received: one row, however often it asks.
create table released_fields (
  recipient_agency_id uuid not null,
  record_id uuid not null,
  case_id uuid not null,
  fields text[] not null,
  primary key (recipient_agency_id, record_id)
);

create table review_task (
  id uuid primary key,
  -- before: the source looks before anything leaves; after: a second person looks at a claimed exception
  kind text not null check (kind in ('before', 'after')),
  disclosure_id uuid not null references disclosure,
  case_id uuid not null,
  agency_id uuid not null,
  role text not null,
  due_at timestamptz not null,
  state text not null default 'open' check (state in ('open', 'approved', 'refused', 'overdue')),
  decided_at timestamptz,
  decided_by uuid,
  signature text,
  note_sealed bytea,
  note_key bytea,
  created_at timestamptz not null default now()
);
create index review_task_agency on review_task (agency_id, state, due_at);
create index review_task_disclosure on review_task (disclosure_id);
create index review_task_due on review_task (due_at) where state = 'open';

-- A requester asks the source to look at a value again (stale, unverified); the source has a clock.
create table verification_request (
  id uuid primary key,
  disclosure_id uuid not null references disclosure,
  record_id uuid not null,
  case_id uuid not null,
  agency_id uuid not null,
  requested_by uuid not null,
  fields text[] not null,
  due_at timestamptz not null,
  answered_at timestamptz,
  created_at timestamptz not null default now()
);
create index verification_request_agency on verification_request (agency_id, answered_at, due_at);

create table notice (
  id uuid primary key,
  agency_id uuid not null,
  role text,
  type text not null,
  urgency text not null check (urgency in ('immediate', '24h', '7d', 'routine')),
  -- Ids only; whoever reads it fetches the rest through the gate.
  refs jsonb not null,
  due_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by uuid,
  created_at timestamptz not null default now()
);
create index notice_agency on notice (agency_id, created_at desc, id);

-- What must be told in time (policy statement `duty`).
create table duty (
  id uuid primary key,
  rule text not null,
  case_id uuid not null,
  subject_id uuid,
  record_id uuid not null,
  field text not null,
  agency_id uuid not null,
  notify jsonb not null,
  escalate_to text not null,
  due_at timestamptz not null,
  state text not null default 'open' check (state in ('open', 'met', 'missed')),
  met_by uuid,
  created_at timestamptz not null default now(),
  unique (record_id, rule, field)
);
create index duty_due on duty (due_at) where state = 'open';
create index duty_record on duty (record_id) where state = 'open';

-- Fingerprint and resource id only, never a value. Kept 72 h.
create table idempotency (
  client_id text not null,
  key uuid not null,
  fingerprint bytea not null,
  operation text not null,
  resource_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (client_id, key)
);
create index idempotency_created on idempotency (created_at);

do $$
declare
  t text;
begin
  foreach t in array array['disclosure', 'release_ledger', 'released_fields', 'review_task', 'verification_request', 'notice', 'duty'] loop
    execute format('alter table %I enable row level security', t);
    execute format('create policy gate on %I for select to ostiary_gate using (true)', t);
    execute format('create policy worker on %I to ostiary_worker using (true) with check (true)', t);
    execute format('grant select on %I to ostiary_gate', t);
    execute format('grant select, insert on %I to ostiary_app', t);
  end loop;
end
$$;
grant select, insert, delete on idempotency to ostiary_app;
grant select, delete on idempotency to ostiary_worker;
grant select on disclosure, release_ledger to ostiary_worker, ostiary_auditor;
grant select, update on review_task, duty, verification_request to ostiary_worker;
grant select, insert on notice to ostiary_worker;
grant update on released_fields to ostiary_app;
grant update (state, decided_at, decided_by, signature, note_sealed, note_key) on review_task to ostiary_app;
grant update (answered_at) on verification_request to ostiary_app;
grant update (acknowledged_at, acknowledged_by) on notice to ostiary_app;
grant update (due_at, state, met_by) on duty to ostiary_app;

-- A key is its client's own.
alter table idempotency enable row level security;
create policy own on idempotency to ostiary_app
  using (client_id = (select a.client_id from agency a where a.id = app_agency()))
  with check (client_id = (select a.client_id from agency a where a.id = app_agency()));
create policy gate on idempotency for select to ostiary_gate using (true);
create policy worker on idempotency to ostiary_worker using (true);

create policy own on disclosure to ostiary_app using (agency_id = app_agency()) with check (agency_id = app_agency());
-- What a source may see of who received its data, gate_released decides.
create policy own on release_ledger to ostiary_app
  using (recipient_agency_id = app_agency()) with check (recipient_agency_id = app_agency());
create policy own on released_fields to ostiary_app
  using (recipient_agency_id = app_agency()) with check (recipient_agency_id = app_agency());
-- Tasks, notices and duties are written by the transaction that causes them, for whoever they concern; only that agency reads them.
create policy read_own on review_task for select to ostiary_app
  using (agency_id = app_agency() or exists (select from disclosure d where d.id = disclosure_id and d.agency_id = app_agency()));
create policy decide_own on review_task for update to ostiary_app using (agency_id = app_agency()) with check (agency_id = app_agency());
-- Whoever asked opens the task; whoever it is for decides it.
create policy open_any on review_task for insert to ostiary_app
  with check (state = 'open' and decided_at is null and decided_by is null and signature is null
    and exists (select from disclosure d where d.id = disclosure_id and d.agency_id = app_agency()));
create policy read_own on verification_request for select to ostiary_app using (agency_id = app_agency() or requested_by = app_agency());
create policy answer_own on verification_request for update to ostiary_app using (agency_id = app_agency()) with check (agency_id = app_agency());
create policy open_any on verification_request for insert to ostiary_app with check (requested_by = app_agency());
create policy read_own on notice for select to ostiary_app using (agency_id = app_agency());
create policy acknowledge_own on notice for update to ostiary_app using (agency_id = app_agency()) with check (agency_id = app_agency());
create policy tell_any on notice for insert to ostiary_app with check (true);
create policy own on duty to ostiary_app using (agency_id = app_agency()) with check (agency_id = app_agency());
