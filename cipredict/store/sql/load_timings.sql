-- Purpose: the seconds of tracked timings files, as last recorded at a time.
-- Grain:   a row per case, ordered by case_id: the latest snapshot that has the case.
-- Units:   duration_s seconds; recorded_at aware UTC.
-- Parameters: $as_of.

select
    timings.case_seq,
    cases.case_id,
    arg_max(timings.duration_s, (snapshots.recorded_at, snapshots.source)) as duration_s,
    max(snapshots.recorded_at) as recorded_at,
    arg_max(snapshots.source, (snapshots.recorded_at, snapshots.source)) as source
from timings
join snapshots using (snapshot_seq)
join cases using (case_seq)
where snapshots.recorded_at <= $as_of
group by
    timings.case_seq,
    cases.case_id
order by cases.case_id
