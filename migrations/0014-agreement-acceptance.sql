-- What is agreed, in words, beside the purposes that the server itself holds to (R130).
alter table agreement add column scope text, add column terms jsonb not null default '[]';

-- A party's word that it is bound. Nobody gives it for another, and it is not taken back: an agreement is ended instead.
create table agreement_acceptance (
  agreement_id uuid not null references agreement,
  agency_id uuid not null references agency,
  accepted_at timestamptz not null,
  -- Who signed for the party, as in the text.
  signatory text,
  primary key (agreement_id, agency_id)
);
-- Of what was recorded before, only who recorded it is known to be bound: the others are still to say so.
insert into agreement_acceptance (agreement_id, agency_id, accepted_at)
select g.id, g.created_by, g.created_at from agreement g where g.created_by = any (g.parties);

grant select, insert on agreement_acceptance to ostiary_app;
grant select on agreement_acceptance to ostiary_gate, ostiary_worker;
alter table agreement_acceptance enable row level security;
create policy party on agreement_acceptance for select to ostiary_app
  using (exists (select from agreement g where g.id = agreement_id));
create policy own on agreement_acceptance for insert to ostiary_app
  with check (agency_id = app_agency()
    and exists (select from agreement g where g.id = agreement_id and app_agency() = any (g.parties)));
create policy gate on agreement_acceptance for select to ostiary_gate, ostiary_worker using (true);

-- Nothing rests on an agreement that a party has not accepted. The functions that read agreements are changed where they stand, so
-- that what else they tell stays as it is.
do $$
declare
  f text;
  before text;
  changed text;
begin
  grant create on schema public to ostiary_gate;
  foreach f in array array[
    'gate_context(uuid, text, uuid, uuid, text, uuid)', 'gate_partner_contact(uuid[], timestamptz)'] loop
    before := pg_get_functiondef(f::regprocedure);
    changed := replace(before, 'and not g.ended', 'and not g.ended and g.parties <@ array('
      'select x.agency_id from agreement_acceptance x where x.agreement_id = g.id)');
    if changed = before then
      raise exception '% does not read agreements as expected', f;
    end if;
    execute changed;
  end loop;
  revoke create on schema public from ostiary_gate;
end
$$;
