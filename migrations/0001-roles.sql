-- Database roles (architecture §5). None can log in; logins are granted the one role they need:
--   ostiary_app      one agency's rows, by row-level security, set per transaction in app.agency
--   ostiary_gate     owns the facts functions, the only readers across agencies; nobody logs in as it
--   ostiary_worker   sequences the log, runs clocks, delivers notices
--   ostiary_auditor  reads the audit tables, writes nothing
-- Roles belong to the whole cluster, so several databases may try to create them at the same moment.
do $$
declare
  role_name text;
  -- Being a member is not enough from PostgreSQL 16 on: who made a role may pass it on before it may become it.
  become constant text := case when current_setting('server_version_num')::integer < 160000 then 'MEMBER' else 'SET' end;
begin
  foreach role_name in array array['ostiary_app', 'ostiary_gate', 'ostiary_worker', 'ostiary_auditor'] loop
    begin
      if not exists (select from pg_roles where rolname = role_name) then
        execute format('create role %I nologin', role_name);
      end if;
    exception
      when duplicate_object or unique_violation then null;
    end;
    -- One login may be owner, API and workers in one, and then has to be able to become each of them. An owner of little right
    -- passes nothing on: it was made a member of the gate beforehand (docs/deployment/logins.sql).
    if not pg_has_role(current_user, role_name, become) then
      begin
        execute format('grant %I to current_user', role_name);
      exception
        when unique_violation or insufficient_privilege then null;
      end;
    end if;
  end loop;
  -- Needed to hand the facts functions over (0006-gate.sql).
  if not pg_has_role(current_user, 'ostiary_gate', become) then
    raise exception 'the owner of the schema must be a member of role ostiary_gate' using errcode = 'insufficient_privilege';
  end if;
end
$$;

revoke create on schema public from public;
grant usage on schema public to ostiary_app, ostiary_gate, ostiary_worker, ostiary_auditor;

-- The agency for which this transaction works; null (no rows) when it was not set.
create function app_agency() returns uuid
  language sql stable parallel safe
  as $$ select nullif(current_setting('app.agency', true), '')::uuid $$;

-- Refuses a change of an append-only table, whoever tries.
create function refuse_change() returns trigger
  language plpgsql
  as $$
begin
  raise exception 'table % is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;
