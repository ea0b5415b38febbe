-- What an erasure destroyed stays closed to officers as well, and says so.

-- As in 0026, for the supervisory authority too: it is told of a loss where it would have had the proof.
create or replace function gate_proof_loss(p_event uuid) returns text
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select case
      when exists (select from audit_salt_destroyed d join audit_event e on e.id = d.event_id
        where d.event_id = p_event and (e.agency_id = app_agency()
          or exists (select from audit_view v where v.event_id = e.id and v.viewer_id = my_authority()))) then 'erased'
      when not exists (select from audit_event e where e.id = p_event) and exists (
        select from log_position p join audit_retired r on p.leaf_index between r.first_leaf and r.last_leaf
        where p.event_id = p_event and p_event <> all (r.others)) then 'retired'
    end
  $$;

-- As in 0024; but not with a key that was made after the one was destroyed under which the words of then lie.
create or replace function gate_audit_notes(p_event uuid)
  returns table (kind text, id uuid, owner_id uuid, agency_id uuid, sealed bytea, wrapped_key bytea, subject_key bytea, key_epoch integer)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    with g as materialized (
      select e.id, e.at, e.type, e.agency_id, e.public_part::jsonb as part from gate_audit_event(p_event) e where e.actor or e.authority),
    notes as (
      select 'disclosure_notes' as kind, d.id, d.subject_id as owner_id, d.agency_id, d.notes_sealed as sealed, d.notes_key as wrapped_key
      from g join disclosure d on d.id = (g.part ->> 'disclosureId')::uuid and d.event_id = g.id
      union all
      select 'review_note', t.id, d.subject_id, t.agency_id, t.note_sealed, t.note_key
      from g join review_task t on g.type = 'review.decided' and t.id = (g.part ->> 'reviewId')::uuid and t.agency_id = g.agency_id
        join disclosure d on d.id = t.disclosure_id
      union all
      select n.kind, n.id, n.owner_id, n.agency_id, n.sealed, n.wrapped_key
      from g join sealed_note n on n.agency_id = g.agency_id
        and (g.type = 'alter.contested' and n.kind = 'contestation_note' and n.about_id = (g.part ->> 'recordId')::uuid
            and n.about_version = (g.part ->> 'version')::integer
          or g.type = 'consent.withdrawn' and n.kind = 'withdrawal_note' and n.about_id = (g.part ->> 'consentId')::uuid))
    select n.kind, n.id, n.owner_id, n.agency_id, n.sealed, n.wrapped_key, k.wrapped, k.key_epoch
    from g cross join notes n
      left join subject_key k on k.owner_id = n.owner_id and k.agency_id = n.agency_id and not exists (
        select from subject_key_destroyed x where x.owner_id = n.owner_id and x.agency_id = n.agency_id and x.at >= g.at)
    where n.sealed is not null
    order by n.kind, n.id
  $$;
