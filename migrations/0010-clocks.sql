-- That the parties were told of an agreement's end: one row per agreement and end, inserted by whoever tells them, so that of
-- several workers only one does.
create table agreement_end_told (
  agreement_id uuid not null references agreement,
  ended_at timestamptz not null,
  told_at timestamptz not null,
  primary key (agreement_id, ended_at)
);
grant select, insert on agreement_end_told to ostiary_worker;
