-- What a transparency log may never do, the database refuses as well, whoever asks.
--
-- Checkpoints form one chain: each names the one it continues, and none is continued twice. Two sequencers that started from the
-- same checkpoint, whatever they appended and however that came about, cannot both commit.
alter table log_checkpoint add column previous bigint references log_checkpoint (size) check (previous < size);
create unique index log_checkpoint_chain on log_checkpoint (coalesce(previous, -1));

-- Tiles and bundles only grow: what was there stays their beginning (c2sp.org/tlog-tiles, "Partial Tiles").
create function refuse_rewriting() returns trigger
  language plpgsql
  as $$
begin
  if new.width <= old.width or substring(new.bytes for octet_length(old.bytes)) <> old.bytes then
    raise exception 'table % only grows', tg_table_name using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create trigger grow_only before update on log_tile for each row execute function refuse_rewriting();
create trigger grow_only before update on log_bundle for each row execute function refuse_rewriting();
create trigger stay before update of level, tile_index on log_tile for each row execute function refuse_change();
create trigger stay before update of bundle_index on log_bundle for each row execute function refuse_change();

do $$
declare
  t text;
begin
  foreach t in array array['log_tile', 'log_bundle'] loop
    execute format('create trigger no_delete before delete on %I for each row execute function refuse_change()', t);
    execute format('create trigger no_truncate before truncate on %I for each statement execute function refuse_change()', t);
    execute format('revoke update on %I from ostiary_worker', t);
    execute format('grant update (width, bytes) on %I to ostiary_worker', t);
  end loop;
end
$$;
