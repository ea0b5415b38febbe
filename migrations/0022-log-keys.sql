-- The keys with which the log was signed, all of them for ever: a proof that was handed out must still verify when its key is
-- long gone. Here stands what is public; the private halves are in server_key under the same id.
create table log_key (
  kid text primary key references server_key (kid),
  -- c2sp.org/signed-note; the name in it is the origin.
  vkey text not null unique,
  -- It signs every checkpoint that is larger than from_size, up to until_size and not beyond.
  from_size bigint not null check (from_size >= 0),
  from_time timestamptz not null default now(),
  -- When it is to end; the first tick after that ends it and says at which size.
  signs_until timestamptz,
  until_size bigint check (until_size >= from_size),
  until_time timestamptz,
  compromised boolean not null default false,
  check ((until_size is null) = (until_time is null)),
  check (not compromised or until_size is not null)
);

insert into log_key (kid, vkey, from_size, from_time)
  select kid, public_key ->> 'vkey', 0, signs_from from server_key where purpose = 'log';

grant select on log_key to ostiary_app, ostiary_worker, ostiary_auditor;
grant update (until_size, until_time) on log_key to ostiary_worker;

-- What has been published about a key stays true: it never begins anew, and its end is never moved.
create function refuse_other_history() returns trigger
  language plpgsql
  as $$
begin
  if (new.kid, new.vkey, new.from_size, new.from_time) is distinct from (old.kid, old.vkey, old.from_size, old.from_time)
    or (old.until_size is not null
      and (new.until_size, new.until_time) is distinct from (old.until_size, old.until_time))
    or (old.compromised and not new.compromised) then
    raise exception 'the history of log keys only grows' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger grow_only before update on log_key for each row execute function refuse_other_history();
create trigger no_delete before delete on log_key for each row execute function refuse_change();
create trigger no_truncate before truncate on log_key for each statement execute function refuse_change();
