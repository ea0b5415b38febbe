-- The state of the configuration that was recorded last, setting by setting: a start that finds another writes an event. A hash for
-- what is no secret, whether it is set for what is. The log is the record; this is only what the next start is compared with.
create table configuration_state (
  setting text primary key,
  state text not null
);
grant select, insert, update, delete on configuration_state to ostiary_worker;
