-- What a search of the audit log looks for reaches the planner as a value that it does not know, so it reckons with the average. Where
-- a column has one common value and some rare ones, a sample that misses the rare ones makes it believe that every row fits, and it
-- reads by time until the page is full: for a rare value that is everything. So it is told that there are many values; then the index
-- of the filter is always the shorter way.
alter table audit_view
  alter column type set (n_distinct = 1000),
  alter column purpose set (n_distinct = 1000),
  alter column role set (n_distinct = 1000),
  alter column outcome set (n_distinct = 1000),
  alter column exception set (n_distinct = 1000);
