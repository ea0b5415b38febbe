-- The facts functions: the only readers across agencies. Each looks first whether the transaction's agency may ask at all.

-- Everything a decision needs besides the values, as one JSON object. `practitioner` is null when it is not of this agency, not
-- active or does not hold the role; `membership` is null when the agency does not work the case; `subject` is null when there is
-- no such person in it. `seen` is the earlier answer under the same idempotency key.
create function gate_context(
  p_practitioner uuid, p_role text, p_case uuid, p_subject uuid, p_client text, p_key uuid
) returns jsonb
  language sql stable security definer set search_path = public, pg_temp
  as $$
    -- Who asks and whether it works the case, each found once.
    with me as materialized (select app_agency() as id),
    place as materialized (
      select m.acts_for, m.until from me join case_member m on m.case_id = p_case and m.agency_id = me.id and m.ended_at is null),
    member as materialized (select acts_for from place where until is null or until > now())
    select jsonb_build_object(
      'policyVersion', (select version from policy_active),
      'agency', (select jsonb_build_object(
          'id', a.id, 'sector', a.sector, 'country', a.country, 'public', a.public,
          'competentAuthority', a.competent_authority, 'nationalAuthorisation', a.national_authorisation_ref is not null,
          'organisationId', coalesce(a.parent_id, a.id), 'suspended', a.suspended_at is not null,
          'sealingKey', encode(a.sealing_key, 'base64'))
        from agency a where a.id = (select id from me)),
      'practitioner', (select jsonb_build_object('id', p.id, 'trainings', p.trainings)
        from practitioner p
        where p.id = p_practitioner and p.agency_id = (select id from me) and p.active and p_role = any (p.roles)),
      'membership', (select acts_for from member),
      'memberUntil', (select until from place),
      'subject', (select jsonb_build_object('id', s.id, 'roles', s.roles)
        from case_person s where s.id = p_subject and s.case_id = p_case and exists (select from member)),
      'persons', (select coalesce(jsonb_object_agg(s.id, s.roles), '{}') from case_person s
        where s.case_id = p_case and exists (select from member)),
      'consents', (select coalesce(jsonb_agg(jsonb_build_object(
          'id', c.id, 'personId', c.subject_id, 'explicit', c.explicit, 'items', c.items,
          'givenAt', c.given_at, 'expiresAt', c.expires_at, 'withdrawnAt', c.withdrawn_at) order by c.given_at, c.id), '[]')
        from consent c where c.case_id = p_case and exists (select from member)),
      'agreements', (select coalesce(jsonb_agg(jsonb_build_object(
          'id', g.id, 'parties', g.parties, 'purposes', g.purposes, 'validFrom', g.valid_from,
          'validTo', least(g.valid_to, g.terminated_at)) order by g.id), '[]')
        from agreement g where g.parties @> array[(select id from me)] and not g.ended),
      'keyEpoch', (select max(e.epoch) from key_epoch e where e.retired_at is null),
      'subjectKey', (select jsonb_build_object('wrapped', encode(k.wrapped, 'base64'), 'epoch', k.key_epoch)
        from subject_key k where k.owner_id = p_subject and k.agency_id = (select id from me)),
      'seen', (select jsonb_build_object('fingerprint', encode(i.fingerprint, 'base64'), 'operation', i.operation, 'resourceId', i.resource_id)
        from idempotency i join agency a on a.client_id = i.client_id
        where i.client_id = p_client and i.key = p_key and a.id = (select id from me)))
  $$;

-- The current version of every record of the case about this subject or about the case as a whole, of the wanted types, with
-- who holds it and what of it this agency received before. Nothing when the agency is not a member.
-- With p_versions ({record id: version}) just those records at those versions, for a repeated request; `current_fields` then
-- tells their state of today, because what was contested or restricted since must not leave.
create function gate_values(p_case uuid, p_subject uuid, p_types text[], p_versions jsonb)
  returns table (
    record_id uuid, version integer, type text, subject_id uuid, agency_id uuid, sector text, organisation_id uuid,
    competent_authority boolean, acts_for text, fields jsonb, current_fields jsonb, provenance jsonb, conditions text[],
    sealed bytea, wrapped_key bytea, sealed_flags bytea, key_owner_id uuid, subject_key bytea, key_epoch integer, released text[])
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select v.record_id, v.version, r.type, r.subject_id, r.agency_id, a.sector, coalesce(a.parent_id, a.id),
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

-- What a member may see of a case's shape (architecture §4): the persons with who brought them and the members with whom they
-- act for; which of them leave, the service decides by the caller's own side.
create function gate_case(p_case uuid) returns jsonb
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select case when is_case_member(p_case) then jsonb_build_object(
      'id', c.id, 'createdBy', c.created_by, 'version', c.version, 'createdAt', c.created_at,
      'persons', (select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'roles', p.roles, 'broughtBy', p.brought_by)
          order by p.created_at, p.id), '[]') from case_person p where p.case_id = c.id),
      'members', (select coalesce(jsonb_agg(jsonb_build_object('agencyId', m.agency_id, 'actsFor', m.acts_for, 'sector', a.sector,
          'addedBy', m.added_by, 'since', m.since, 'until', m.until) order by m.since, m.agency_id), '[]')
        from case_member m join agency a on a.id = m.agency_id
        where m.case_id = c.id and m.ended_at is null and (m.until is null or m.until > now())))
    end
    from case_file c where c.id = p_case
  $$;

-- One of the agency's own events for its receipt: the public part, its salt, where it stands in the log (null until the next
-- tick). The commitment of the private part is the second half of the entry that the log serves to everybody.
create function gate_proof(p_event uuid)
  returns table (public_part text, public_salt bytea, leaf_index bigint)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select e.public_part, s.public_salt, p.leaf_index
    from audit_event e join audit_salt s on s.event_id = e.id left join log_position p on p.event_id = e.id
    where e.id = p_event and e.agency_id = app_agency()
  $$;

-- Whether an agency ever acted for the victim or a child in a case: then the other side must not meet its name there.
create function acts_for_shielded(p_case uuid, p_agency uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select exists (select from case_member m where m.case_id = p_case and m.agency_id = p_agency and m.acts_for in ('victim', 'child'))
  $$;

-- Whether the transaction's agency acts, or ever acted, for the perpetrator in a case.
create function on_perpetrator_side(p_case uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select exists (select from case_member m where m.case_id = p_case and m.agency_id = app_agency() and m.acts_for = 'perpetrator')
  $$;

-- What a reviewer has to see of somebody else's request, if the task is this agency's: the tasks of one request, or all that wait. Notes stay sealed; the service
-- opens them for the reviewer after writing that it did. Who asked is left out where it would tell his side about hers.
create function gate_reviews(p_disclosure uuid)
  returns table (
    task_id uuid, kind text, state text, role text, due_at timestamptz, disclosure_id uuid, case_id uuid, subject_id uuid,
    requester_id uuid, requester_role text, requester_practitioner_id uuid, purpose text, requested text[],
    exception text, decided_at timestamptz, notes_sealed bytea, notes_key bytea, subject_key bytea, key_epoch integer)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select t.id, t.kind, t.state, t.role, t.due_at, d.id, d.case_id, d.subject_id,
      case when not hidden then d.agency_id end, case when not hidden then d.role end,
      case when d.agency_id = app_agency() then d.practitioner_id end, d.purpose, d.requested, d.exception, d.decided_at,
      case when not hidden then d.notes_sealed end, case when not hidden then d.notes_key end,
      case when not hidden then k.wrapped end, case when not hidden then k.key_epoch end
    from review_task t
    join disclosure d on d.id = t.disclosure_id
    left join subject_key k on k.owner_id = d.subject_id and k.agency_id = d.agency_id
    cross join lateral (select on_perpetrator_side(d.case_id) and acts_for_shielded(d.case_id, d.agency_id) as hidden) h
    where t.agency_id = app_agency() and case when p_disclosure is null then t.state in ('open', 'overdue') else d.id = p_disclosure end
    order by t.due_at, t.id
  $$;

-- What left from this agency's records: newest first, from the position (p_at, p_id, p_record) on. For the perpetrator's side without what
-- went to agencies of victim or child.
create function gate_released(
  p_subject uuid, p_from timestamptz, p_to timestamptz, p_at timestamptz, p_id uuid, p_record uuid, p_limit integer
)
  returns table (
    disclosure_id uuid, record_id uuid, record_version integer, case_id uuid, subject_id uuid, recipient_agency_id uuid,
    fields text[], purpose text, expires_at timestamptz, released_at timestamptz)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select l.disclosure_id, l.record_id, l.record_version, l.case_id, l.subject_id, l.recipient_agency_id,
      l.fields, l.purpose, l.expires_at, l.released_at
    from release_ledger l
    where l.source_agency_id = app_agency() and l.recipient_agency_id <> app_agency()
      and (p_subject is null or l.subject_id = p_subject)
      and (p_from is null or l.released_at >= p_from) and (p_to is null or l.released_at < p_to)
      and (p_at is null or (l.released_at, l.disclosure_id, l.record_id) < (p_at, p_id, p_record))
      and not (on_perpetrator_side(l.case_id) and acts_for_shielded(l.case_id, l.recipient_agency_id))
    order by l.released_at desc, l.disclosure_id desc, l.record_id desc
    limit p_limit
  $$;

-- Who holds a record, for a task about it; null unless this agency works the case. `perpetrator_side` tells whether its holder does
-- so for the perpetrator.
create function gate_holder(p_record uuid)
  returns table (agency_id uuid, case_id uuid, perpetrator_side boolean)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select r.agency_id, r.case_id, exists (
      select from case_member m where m.case_id = r.case_id and m.agency_id = r.agency_id and m.acts_for = 'perpetrator')
    from record r where r.id = p_record and is_case_member(r.case_id)
  $$;

do $$
declare
  f text;
begin
  -- Handing a function over needs the new owner's right to create in the schema, for this moment only.
  grant create on schema public to ostiary_gate;
  foreach f in array array[
    'runs_server()', 'is_case_member(uuid)', 'is_new_case(uuid)', 'acts_for_all(uuid)', 'gate_context(uuid, text, uuid, uuid, text, uuid)', 'gate_values(uuid, uuid, text[], jsonb)',
    'gate_case(uuid)', 'gate_proof(uuid)', 'acts_for_shielded(uuid, uuid)', 'on_perpetrator_side(uuid)', 'gate_reviews(uuid)',
    'gate_released(uuid, timestamptz, timestamptz, timestamptz, uuid, uuid, integer)', 'gate_holder(uuid)'] loop
    execute format('alter function %s owner to ostiary_gate', f);
    execute format('revoke execute on function %s from public', f);
    execute format('grant execute on function %s to ostiary_app', f);
  end loop;
  revoke create on schema public from ostiary_gate;
  -- These two ask for nobody's standing in the case; other functions do before they call them.
  revoke execute on function acts_for_shielded(uuid, uuid), on_perpetrator_side(uuid) from ostiary_app;
end
$$;
grant select on idempotency, key_epoch to ostiary_gate;
