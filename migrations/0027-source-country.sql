-- A release tells whether it crosses a border (LED art. 25: disclosure "including transfers"): that takes the country of the source.

-- A new column in the answer, so the function is made anew where it stands; all else is as it was.
do $$
declare
  before text := pg_get_functiondef('gate_values(uuid, uuid, text[], jsonb)'::regprocedure);
  changed text;
begin
  changed := replace(before, 'organisation_id uuid, public boolean', 'organisation_id uuid, country text, public boolean');
  changed := replace(changed, 'coalesce(a.parent_id, a.id), a.public', 'coalesce(a.parent_id, a.id), a.country, a.public');
  if length(changed) <> length(before) + length(' country text,') + length(' a.country,') then
    raise exception 'gate_values does not read agencies as expected';
  end if;
  drop function gate_values(uuid, uuid, text[], jsonb);
  execute changed;
  grant create on schema public to ostiary_gate;
  alter function gate_values(uuid, uuid, text[], jsonb) owner to ostiary_gate;
  revoke create on schema public from ostiary_gate;
end
$$;
revoke execute on function gate_values(uuid, uuid, text[], jsonb) from public;
grant execute on function gate_values(uuid, uuid, text[], jsonb) to ostiary_app;
