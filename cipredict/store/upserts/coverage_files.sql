-- Purpose: store how much of each file the suite executed, under the snapshot in `staged`.
-- Grain:   a row per path in `incoming`.
-- Parameters: none. `snapshot.sql` went before.

insert into coverage_files
select
    staged.snapshot_seq,
    incoming.path,
    incoming.covered_lines,
    incoming.valid_lines
from staged
cross join incoming
order by incoming.path;
