-- Purpose: how much of each file the suite executed, as last measured at a time.
-- Grain:   a row per path, ordered by path: the latest snapshot that has the path.
-- Units:   lines; covered_share 0 to 1, null for a file without executable lines; recorded_at aware UTC.
-- Parameters: $as_of.

with
    latest as (
        select
            coverage_files.path,
            arg_max(snapshots.snapshot_seq, (snapshots.recorded_at, snapshots.source)) as snapshot_seq
        from coverage_files
        join snapshots using (snapshot_seq)
        where snapshots.recorded_at <= $as_of
        group by coverage_files.path
    )
select
    coverage_files.path,
    coverage_files.covered_lines,
    coverage_files.valid_lines,
    coverage_files.covered_lines / nullif(coverage_files.valid_lines, 0) as covered_share,
    snapshots.recorded_at
from coverage_files
semi join latest using (path, snapshot_seq)
join snapshots using (snapshot_seq)
order by coverage_files.path
