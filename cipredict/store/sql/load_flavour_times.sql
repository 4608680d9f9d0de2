-- Purpose: how long each case took in each job of the recent runs: what differs by operating system, Python, runner.
-- Grain:   a row per job name, runner and case, ordered by job, runner, case_seq; only jobs whose reports name them.
-- Units:   seconds: the median over the runs; runs counts them; skipped and untimed results are left out.
-- Parameters: $as_of; $last_runs, how many runs to look at, the latest started first.

with
    recent_runs as (
        select run_seq
        from runs
        where known_at <= $as_of
        order by
            started_at desc,
            run_id desc,
            attempt desc,
            run_seq desc
        limit $last_runs
    )
select
    jobs.name as job,
    jobs.runner,
    case_runs.case_seq,
    median(case_runs.duration_s) as seconds,
    count(*) as runs
from case_runs
join batches using (batch_seq)
join jobs on
    jobs.run_seq = batches.run_seq
    and jobs.job_id = batches.job_id
semi join recent_runs on recent_runs.run_seq = batches.run_seq
where
    case_runs.duration_s is not null
    and case_runs.verdict not in ('skipped')
group by
    jobs.name,
    jobs.runner,
    case_runs.case_seq
order by
    jobs.name,
    jobs.runner,
    case_runs.case_seq
