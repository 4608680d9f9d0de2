-- Purpose: store the seconds of a tracked timings file, under the snapshot in `staged`.
-- Grain:   a row per case in `incoming`.
-- Units:   duration_s seconds.
-- Parameters: none. `snapshot.sql` and `cases.sql` went before.

insert into timings
select
    staged.snapshot_seq,
    cases.case_seq,
    incoming.duration_s
from staged
cross join incoming
join cases using (case_id)
order by cases.case_seq;
