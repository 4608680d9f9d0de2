-- Purpose: what became of each case in each run known at a time.
-- Grain:   a row per case and run, in no order: sorting ten million rows costs as much as all the rest. Where several
--          reports of a run have the case (a matrix), the worst verdict and the mean time count; only such runs are
--          grouped, and bits in blocks of 32 cases tell which they are.
-- Units:   duration_s seconds, peak_memory_bytes bytes, both null where not measured.
-- Parameters: $as_of; $last_runs, how many runs to give, the latest started first; null for all.

with
    known_runs as (
        select run_seq
        from runs
        where known_at <= $as_of
        order by
            started_at desc,
            run_id desc,
            attempt desc,
            run_seq desc
        limit $last_runs
    ),
    blocks as (
        select
            run_seq,
            count(*) as results,
            bit_count(bit_or(1::bigint << (case_seq & 31))) as cases
        from case_runs
        semi join known_runs using (run_seq)
        group by
            run_seq,
            case_seq >> 5
    ),
    repeating_runs as (
        select distinct run_seq
        from blocks
        where cases < results
    )
select
    run_seq,
    case_seq,
    verdict,
    duration_s,
    is_flaky,
    attempts,
    peak_memory_bytes
from case_runs
semi join known_runs using (run_seq)
anti join repeating_runs using (run_seq)
union all
select
    run_seq,
    case_seq,
    max(verdict) as verdict,
    avg(duration_s) as duration_s,
    bool_or(is_flaky) as is_flaky,
    max(attempts) as attempts,
    max(peak_memory_bytes) as peak_memory_bytes
from case_runs
semi join repeating_runs using (run_seq)
group by
    run_seq,
    case_seq
