-- Of the approvals of a draft, those whose giver still stands: active, an administrator, with the key that signed, of an agency that
-- is not suspended. Security definer: an agency does not see the practitioners of another.
create function standing_approvers(p_draft uuid)
  returns table (practitioner_id uuid)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select p.id
    from policy_approval v
    join practitioner p on p.id = v.practitioner_id and p.agency_id = v.agency_id
    join agency a on a.id = v.agency_id
    where v.draft_id = p_draft and p.active and 'org_admin' = any (p.roles) and p.jwk = v.jwk
      and a.suspended_at is null
  $$;
revoke execute on function standing_approvers(uuid) from public;
grant execute on function standing_approvers(uuid) to ostiary_app;
