-- Purpose: the cases that the suite holds today, by its reports.
-- Grain:   a row per case of the last 20 runs with cases, ordered by case_id.
-- Units:   none.
-- Parameters: $as_of.

with
    last_runs as (
        select run_seq
        from runs
        where
            known_at <= $as_of
            and run_seq in (select run_seq from batches)
        order by
            known_at desc,
            run_seq desc
        limit 20
    )
select distinct cases.case_id
from case_runs
join last_runs using (run_seq)
join cases using (case_seq)
order by cases.case_id
