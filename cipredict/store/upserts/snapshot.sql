-- Purpose: give a snapshot its number; taken again, it keeps the number and loses its rows.
-- Grain:   a row in `snapshots`; deletes the rows of its kind's table.
-- Units:   aware UTC.
-- Parameters: none. `incoming_snapshot` is one row: kind, source, recorded_at.

insert into snapshots
select
    (select coalesce(max(snapshot_seq), 0) from snapshots) + 1,
    kind,
    source,
    recorded_at
from incoming_snapshot
on conflict (kind, source, recorded_at) do nothing;

create or replace temp table staged as
select snapshot_seq
from snapshots
semi join incoming_snapshot using (kind, source, recorded_at);

delete from coverage_links
where snapshot_seq in (from staged);

delete from coverage_files
where snapshot_seq in (from staged);

delete from import_edges
where snapshot_seq in (from staged);

delete from timings
where snapshot_seq in (from staged);
