-- Purpose: where the time of runs goes: which jobs take how long.
-- Grain:   a row per name of a job among the runs, the longest in sum first.
-- Units:   _s seconds, null where no job tells.
-- Parameters: $as_of; $last_runs, how many runs to look at, the latest known first.

with
    listed as (
        select run_seq
        from runs
        where known_at <= $as_of
        order by
            known_at desc,
            run_seq desc
        limit $last_runs
    )
select
    coalesce(nullif(name, ''), job_id) as name,
    count(*) as runs,
    count(*) filter (where result in ('failure', 'error', 'timeout')) as failures,
    quantile_cont(epoch(finished_at) - epoch(started_at), 0.5) as p50_s,
    quantile_cont(epoch(finished_at) - epoch(started_at), 0.95) as p95_s,
    sum(epoch(finished_at) - epoch(started_at)) as total_s,
    quantile_cont(queued_s, 0.95) as queued_p95_s
from jobs
semi join listed using (run_seq)
group by all
order by
    total_s desc nulls last,
    name
limit 500
