-- For each agreement in force that binds one of these agencies to have changes of the rules approved elsewhere (policy_approval):
-- the parties of other organisations, who may approve. One row with null where there is none.
create function policy_approvers(p_agencies uuid[], p_at timestamptz)
  returns table (agreement_id uuid, agency_id uuid)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select g.id, other.id
    from agreement g
    join agency own on own.id = any (p_agencies) and own.id = any (g.parties)
    left join agency other on other.id = any (g.parties)
      and coalesce(other.parent_id, other.id) <> coalesce(own.parent_id, own.id) and not other.id = any (p_agencies)
    where g.policy_approval = 'other_agency' and not g.ended and g.valid_from <= p_at and p_at < g.valid_to
      and (g.terminated_at is null or p_at < g.terminated_at)
      and not exists (
        select from unnest(g.parties) party
        where not exists (select from agreement_acceptance c where c.agreement_id = g.id and c.agency_id = party))
  $$;
revoke execute on function policy_approvers(uuid[], timestamptz) from public;
grant execute on function policy_approvers(uuid[], timestamptz) to ostiary_app;
