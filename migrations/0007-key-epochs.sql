-- Rotation of the key-encryption key: a new epoch becomes current, everything wrapped under an earlier one is wrapped anew
-- while the server runs, then the earlier one is retired and its key may be destroyed. So nothing may ever be wrapped under
-- a retired epoch: it would be lost with that key. The lock on the epoch's row holds off its retirement until this
-- transaction has ended; a transaction that comes too late is refused as one to be repeated.
create function refuse_retired_epoch() returns trigger
  language plpgsql security definer set search_path = public, pg_temp
  as $$
begin
  perform from key_epoch where epoch = new.key_epoch and retired_at is null for key share;
  if not found then
    raise exception 'key epoch % is not in use', new.key_epoch using errcode = 'serialization_failure';
  end if;
  return new;
end
$$;

create trigger live_epoch before insert or update of key_epoch on subject_key
  for each row execute function refuse_retired_epoch();
create trigger live_epoch before insert or update of key_epoch on server_key
  for each row execute function refuse_retired_epoch();

grant insert, update (retired_at) on key_epoch to ostiary_worker;
grant update (sealed_private, key_epoch) on server_key to ostiary_worker;
