-- Purpose: store the rows of a table without verdicts as measurements, a snapshot per run, as `.test_durations` would be.
-- Grain:   a row per run in `snapshots`, per case of it in `timings`; of repeated cases the last row counts.
-- Units:   duration_s seconds.
-- Parameters: none. `runs.sql` and `cases.sql` went before; the file is not stored yet.

create or replace temp table pictures as
select
    (select coalesce(max(snapshot_seq), 0) from snapshots) + row_number() over (order by min(position)) as snapshot_seq,
    repository,
    run_id,
    attempt,
    source || '#' || run_id as source,
    min(started_at) as recorded_at
from table_rows
where problem is null
group by
    repository,
    run_id,
    attempt,
    source;

insert into snapshots
select
    snapshot_seq,
    'timings',
    source,
    recorded_at
from pictures
on conflict do nothing;

insert into timings
select
    pictures.snapshot_seq,
    cases.case_seq,
    arg_max(table_rows.duration_s, table_rows.position)
from table_rows
join pictures using (repository, run_id, attempt)
join cases using (case_id)
join snapshots using (snapshot_seq)
where table_rows.problem is null
group by
    pictures.snapshot_seq,
    cases.case_seq
order by
    pictures.snapshot_seq,
    cases.case_seq;

drop table pictures;
