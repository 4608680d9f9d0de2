-- Purpose: show another store's runs to `upserts/runs.sql`.
-- Grain:   `incoming` a row per run, `incoming_changes` a row per run and path.
-- Parameters: none. The other store is attached as `theirs`.

create temp view incoming as
select
    row_number() over (order by run_seq) as position,
    *
from theirs.runs;

create temp view incoming_changes as
select
    incoming.position,
    run_changes.*
from theirs.run_changes
join incoming using (run_seq);
