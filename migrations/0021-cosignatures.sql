-- Witnesses: what they cosigned, how each is doing, and which checkpoint counts as published.

-- A witness's signature line over a checkpoint, verified before it was stored. The witness is named by its verifier key.
create table log_cosignature (
  size bigint not null references log_checkpoint (size),
  witness text not null,
  -- c2sp.org/tlog-cosignature, with its newline: as it is appended to the note.
  line text not null check (line like E'\u2014 %\n'),
  -- As the witness states it.
  cosigned_at timestamptz not null,
  stored_at timestamptz not null default clock_timestamp(),
  primary key (size, witness)
);
create trigger append_only before update or delete on log_cosignature for each row execute function refuse_change();
create trigger no_truncate before truncate on log_cosignature for each statement execute function refuse_change();
grant select, insert on log_cosignature to ostiary_worker;
grant select on log_cosignature to ostiary_app, ostiary_auditor;

-- For the newest checkpoint that has enough cosignatures: only those younger than the bound are looked at.
create index log_checkpoint_published on log_checkpoint (published_at);

-- One row for each witness that was ever asked.
create table witness (
  vkey text primary key,
  -- The checkpoint for which a node asked it last, and when: of several nodes one asks.
  tried_size bigint not null,
  tried_at timestamptz not null,
  -- What it is known to have cosigned last.
  cosigned_size bigint,
  -- How it answered last: src/services/collect-cosignatures.ts.
  state text not null default 'asked',
  since timestamptz not null default clock_timestamp(),
  -- It said that what it had cosigned is not what this server shows: set when it said so first, until it cosigns again.
  refused_at timestamptz,
  refused_as text check (refused_as in ('rolled_back', 'forked')),
  -- The size that it was shown, and the one that it had.
  refused_size bigint,
  refused_stored bigint,
  check ((refused_at is null) = (refused_as is null))
);
grant select, insert on witness to ostiary_worker;
grant update (tried_size, tried_at, cosigned_size, state, since, refused_at, refused_as, refused_size, refused_stored)
  on witness to ostiary_worker;
grant select on witness to ostiary_app, ostiary_auditor;

-- Which checkpoint the world is shown. While `gated` is false, or there is no row, the newest one; else the one named here, which
-- never becomes smaller: who has seen a log must not see it shrink.
create table log_publication (
  singleton boolean primary key default true check (singleton),
  gated boolean not null,
  size bigint references log_checkpoint (size),
  -- Since when there has been no quorum within the bound; null while all is well.
  missing_since timestamptz
);
create function refuse_shrinking() returns trigger
  language plpgsql
  as $$
begin
  if old.size is not null and (new.size is null or new.size < old.size) then
    raise exception 'what was published does not shrink' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger grow_only before update on log_publication for each row execute function refuse_shrinking();
create trigger no_delete before delete on log_publication for each row execute function refuse_change();
create trigger no_truncate before truncate on log_publication for each statement execute function refuse_change();
grant select, insert, update on log_publication to ostiary_worker;
grant select on log_publication to ostiary_app, ostiary_gate, ostiary_auditor;
