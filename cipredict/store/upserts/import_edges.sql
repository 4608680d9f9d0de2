-- Purpose: store which Python file imports which, under the snapshot in `staged`.
-- Grain:   a row per distinct edge in `incoming`.
-- Parameters: none. `snapshot.sql` went before.

insert into import_edges
select distinct
    staged.snapshot_seq,
    incoming.importer,
    incoming.imported
from staged
cross join incoming
order by
    incoming.importer,
    incoming.imported;
