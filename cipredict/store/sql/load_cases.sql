-- Purpose: the ids of the cases that had run by a time.
-- Grain:   a row per case, ordered by case_seq.
-- Parameters: $as_of.

select
    case_seq,
    case_id
from cases
where case_seq in (
    select case_runs.case_seq
    from case_runs
    join runs using (run_seq)
    where runs.known_at <= $as_of
)
order by case_seq
