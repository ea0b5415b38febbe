-- The life of a policy version: drafts, what others say to them, who approved them, and what came of them.

-- A version keeps its tests, and where it came from: who, when, why.
alter table policy_version
  add column suites jsonb not null default '[]',
  add column draft_id uuid,
  add column based_on integer references policy_version,
  -- The older version that came back in force under a new number.
  add column reactivates integer references policy_version,
  add column reason text,
  -- [{agencyId, practitionerId}]: everybody who wrote on the draft; null for what `ostiary init` put in force.
  add column authors jsonb,
  -- [{agencyId, practitionerId, at}]
  add column approvals jsonb,
  add column activated_by jsonb;
create trigger append_only before update or delete on policy_version for each row execute function refuse_change();
create trigger no_truncate before truncate on policy_version for each statement execute function refuse_change();

create table policy_draft (
  id uuid primary key,
  -- Who began it; only this agency changes it.
  agency_id uuid not null references agency,
  -- [{agencyId, practitionerId, key}], `key` the thumbprint (RFC 7638) of the registered key: none of them approves it.
  authors jsonb not null,
  reason text,
  based_on integer not null references policy_version,
  reactivates integer references policy_version,
  -- As written: YAML as text, or the same as JSON.
  documents jsonb not null,
  suites jsonb not null,
  -- Over the content; what is signed.
  hash text not null,
  -- Counts the contents. An approval, and a time for comments, is for one of them.
  revision integer not null default 1,
  -- Counts every change, for If-Match.
  version integer not null default 1,
  state text not null default 'open' check (state in ('open', 'withdrawn', 'activated')),
  opened_at timestamptz,
  opened_revision integer,
  comment_until timestamptz,
  -- Whether a victim support service was among those who were told (R137).
  support_told boolean not null default false,
  activated_as integer references policy_version,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  check ((opened_at is null) = (comment_until is null)),
  check ((opened_at is null) = (opened_revision is null))
);
create index policy_draft_agency on policy_draft (agency_id, created_at desc);
create index policy_draft_created on policy_draft (created_at desc, id);

create table policy_draft_comment (
  id uuid primary key,
  draft_id uuid not null references policy_draft,
  -- The content that it is about.
  revision integer not null,
  agency_id uuid not null references agency,
  practitioner_id uuid not null,
  text text not null,
  created_at timestamptz not null
);
create index policy_draft_comment_draft on policy_draft_comment (draft_id, created_at, id);

create table policy_approval (
  draft_id uuid not null references policy_draft,
  revision integer not null,
  agency_id uuid not null references agency,
  practitioner_id uuid not null,
  hash text not null,
  -- Over the differences that the approver was shown.
  diff_hash text not null,
  -- Compact JWS, and the key under which it verified then.
  signature text not null,
  jwk jsonb not null,
  created_at timestamptz not null,
  primary key (draft_id, revision, practitioner_id)
);

do $$
declare
  t text;
begin
  foreach t in array array['policy_draft_comment', 'policy_approval'] loop
    execute format('create trigger append_only before update or delete on %I for each row execute function refuse_change()', t);
    execute format('create trigger no_truncate before truncate on %I for each statement execute function refuse_change()', t);
  end loop;
  foreach t in array array['policy_draft', 'policy_draft_comment', 'policy_approval'] loop
    execute format('alter table %I enable row level security', t);
    execute format('grant select, insert on %I to ostiary_app', t);
    execute format('grant select on %I to ostiary_auditor', t);
    execute format('create policy auditor on %I for select to ostiary_auditor using (true)', t);
  end loop;
end
$$;
grant update (authors, reason, based_on, reactivates, documents, suites, hash, revision, version, state, opened_at, opened_revision,
  comment_until, support_told, changed_at) on policy_draft to ostiary_app;

-- A draft is its agency's own until it is opened for comment; agencies that write or approve policies see it before.
create policy read_open on policy_draft for select to ostiary_app
  using (agency_id = app_agency() or opened_at is not null
    or exists (select from agency a where a.id = app_agency() and a.scopes && array['policies:write', 'policies:approve']));
create policy begin_own on policy_draft for insert to ostiary_app
  with check (agency_id = app_agency() and state = 'open' and activated_as is null);
create policy change_own on policy_draft for update to ostiary_app
  using (agency_id = app_agency() and state = 'open') with check (agency_id = app_agency() and state in ('open', 'withdrawn'));
create policy with_draft on policy_draft_comment for select to ostiary_app
  using (exists (select from policy_draft d where d.id = draft_id));
create policy while_open on policy_draft_comment for insert to ostiary_app
  with check (agency_id = app_agency()
    and exists (select from policy_draft d where d.id = draft_id and d.state = 'open' and d.opened_at is not null));
create policy with_draft on policy_approval for select to ostiary_app
  using (exists (select from policy_draft d where d.id = draft_id));
create policy as_approver on policy_approval for insert to ostiary_app
  with check (agency_id = app_agency()
    and exists (select from agency a where a.id = app_agency() and 'policies:approve' = any (a.scopes))
    and exists (select from policy_draft d where d.id = draft_id and d.state = 'open' and d.revision = policy_approval.revision
      and d.hash = policy_approval.hash and not d.authors @> jsonb_build_array(jsonb_build_object('practitionerId', practitioner_id))));

-- An agreement may say that a change of the rules by one of its parties is approved by another of them.
alter table agreement add column policy_approval text check (policy_approval = 'other_agency');

-- Puts a draft in force: stores it as the next version and makes that the one that decides, after every decision under the version
-- before it has committed. The only way to a new version for the app role. Null, and nothing done, unless the draft is open, still of
-- this revision, based on the version in force, and approved by somebody who did not write it. What else it takes (faults, tests,
-- guardrails), the service has found out for this very content; `p_documents` are what its texts say, `p_hash` is over them.
create function activate_policy_draft(
  p_draft uuid, p_revision integer, p_content text, p_hash text, p_documents jsonb, p_by jsonb, p_at timestamptz
) returns integer
  language plpgsql security definer set search_path = public, pg_temp
  as $$
declare
  d policy_draft;
  next integer;
begin
  perform pg_advisory_xact_lock(hashtextextended('ostiary/policy', 0));
  select * into d from policy_draft where id = p_draft for update;
  if d.id is null or d.state <> 'open' or d.revision <> p_revision or d.hash <> p_content
    or d.based_on is distinct from (select version from policy_active)
    or not exists (select from policy_approval a where a.draft_id = d.id and a.revision = d.revision and a.hash = d.hash
      and not d.authors @> jsonb_build_array(jsonb_build_object('practitionerId', a.practitioner_id))) then
    return null;
  end if;
  select coalesce(max(version), 0) + 1 into next from policy_version;
  insert into policy_version (version, hash, documents, suites, created_at, created_by, draft_id, based_on, reactivates, reason, authors,
    approvals, activated_by)
  values (next, p_hash, p_documents, d.suites, p_at, (p_by ->> 'practitionerId')::uuid, d.id, d.based_on, d.reactivates, d.reason,
    (select jsonb_agg(x - 'key') from jsonb_array_elements(d.authors) x),
    (select jsonb_agg(jsonb_build_object('agencyId', a.agency_id, 'practitionerId', a.practitioner_id, 'at', a.created_at) order by a.created_at)
      from policy_approval a where a.draft_id = d.id and a.revision = d.revision), p_by);
  update policy_active set version = next, activated_at = p_at, activated_by = (p_by ->> 'practitionerId')::uuid;
  update policy_draft set state = 'activated', activated_as = next, version = version + 1, changed_at = p_at where id = d.id;
  return (next);
end
$$;

revoke execute on function activate_policy_draft(uuid, integer, text, text, jsonb, jsonb, timestamptz) from public;
grant execute on function activate_policy_draft(uuid, integer, text, text, jsonb, jsonb, timestamptz) to ostiary_app;
