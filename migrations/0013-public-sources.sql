-- Rules may ask whether the agency that holds a value is a public body, as they could of the one that asks.

-- A new column in the answer, so the function is made anew; all else is as it was.
drop function gate_values(uuid, uuid, text[], jsonb);
create function gate_values(p_case uuid, p_subject uuid, p_types text[], p_versions jsonb)
  returns table (
    record_id uuid, version integer, type text, subject_id uuid, agency_id uuid, sector text, organisation_id uuid, public boolean,
    competent_authority boolean, acts_for text, fields jsonb, current_fields jsonb, provenance jsonb, conditions text[],
    sealed bytea, wrapped_key bytea, sealed_flags bytea, key_owner_id uuid, subject_key bytea, key_epoch integer, released text[])
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select v.record_id, v.version, r.type, r.subject_id, r.agency_id, a.sector, coalesce(a.parent_id, a.id), a.public,
      a.competent_authority, m.acts_for, v.fields, c.fields, v.provenance, v.conditions,
      case when r.type = any (p_types) then v.sealed end,
      v.wrapped_key, v.sealed_flags, v.key_owner_id, k.wrapped, k.key_epoch, f.fields
    from record r
    join record_version v on v.record_id = r.id and v.version = coalesce((p_versions ->> r.id::text)::integer, r.version)
    left join record_version c on c.record_id = r.id and c.version = r.version and v.version <> r.version
    join agency a on a.id = r.agency_id
    left join case_member m on m.case_id = r.case_id and m.agency_id = r.agency_id
      and m.ended_at is null and (m.until is null or m.until > now())
    left join subject_key k on k.owner_id = v.key_owner_id and k.agency_id = v.agency_id
    left join released_fields f on f.recipient_agency_id = (select app_agency()) and f.record_id = r.id
    where r.case_id = p_case and (r.subject_id = p_subject or r.subject_id is null)
      and (r.type = any (p_types) or v.sealed_flags is not null)
      and (p_versions is null or p_versions ? r.id::text)
      and is_case_member(p_case)
    order by r.created_at, r.id
  $$;

do $$
begin
  grant create on schema public to ostiary_gate;
  alter function gate_values(uuid, uuid, text[], jsonb) owner to ostiary_gate;
  revoke create on schema public from ostiary_gate;
end
$$;
revoke execute on function gate_values(uuid, uuid, text[], jsonb) from public;
grant execute on function gate_values(uuid, uuid, text[], jsonb) to ostiary_app;
