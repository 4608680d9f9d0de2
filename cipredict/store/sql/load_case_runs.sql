-- Purpose: what became of each case in each run known at a time.
-- Grain:   a row per case and run, ordered as load_runs, then by case_seq. Where several reports of a run have the case
--          (a matrix), the worst verdict and the mean time count.
-- Units:   duration_s seconds, peak_memory_bytes bytes, both null where not measured.
-- Parameters: $as_of.

with
    known_runs as (
        select
            run_seq,
            row_number() over (order by started_at, run_id, attempt, run_seq) as position
        from runs
        where known_at <= $as_of
    )
select
    case_runs.run_seq,
    case_runs.case_seq,
    max(case_runs.verdict) as verdict,
    avg(case_runs.duration_s) as duration_s,
    bool_or(case_runs.is_flaky) as is_flaky,
    max(case_runs.attempts) as attempts,
    max(case_runs.peak_memory_bytes) as peak_memory_bytes
from case_runs
join known_runs using (run_seq)
group by
    known_runs.position,
    case_runs.run_seq,
    case_runs.case_seq
order by
    known_runs.position,
    case_runs.case_seq
