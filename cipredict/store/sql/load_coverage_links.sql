-- Purpose: which files each case executed, as last measured at a time.
-- Grain:   a row per case and path, ordered by case_id, path. Per case the latest snapshot that has it counts.
-- Units:   lines executed; recorded_at aware UTC.
-- Parameters: $as_of.

with
    latest as (
        select
            coverage_links.case_seq,
            arg_max(snapshots.snapshot_seq, (snapshots.recorded_at, snapshots.source)) as snapshot_seq
        from coverage_links
        join snapshots using (snapshot_seq)
        where snapshots.recorded_at <= $as_of
        group by coverage_links.case_seq
    )
select
    coverage_links.case_seq,
    cases.case_id,
    coverage_links.path,
    coverage_links.lines,
    snapshots.recorded_at
from coverage_links
semi join latest using (case_seq, snapshot_seq)
join snapshots using (snapshot_seq)
join cases using (case_seq)
order by
    cases.case_id,
    coverage_links.path
