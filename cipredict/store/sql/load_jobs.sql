-- Purpose: the jobs known at a time: both the job and its run had finished.
-- Grain:   a row per job, ordered by started_at (unknown last), run_seq, job_id.
-- Units:   duration_s, queued_s, test_s seconds; test_s sums the cases of the job's reports, null without any; aware UTC.
-- Parameters: $as_of.

with
    known_jobs as (
        select jobs.*
        from jobs
        join runs using (run_seq)
        where
            runs.known_at <= $as_of
            and coalesce(jobs.finished_at, jobs.started_at, runs.known_at) <= $as_of
    ),
    totals as (
        select
            batches.run_seq,
            batches.job_id,
            round(fsum(case_runs.duration_s), 6) as test_s
        from case_runs
        join batches using (batch_seq)
        group by
            batches.run_seq,
            batches.job_id
    )
select
    known_jobs.run_seq,
    known_jobs.job_id,
    known_jobs.name,
    known_jobs.runner,
    known_jobs.started_at,
    known_jobs.finished_at,
    epoch(known_jobs.finished_at) - epoch(known_jobs.started_at) as duration_s,
    known_jobs.queued_s,
    known_jobs.result,
    totals.test_s
from known_jobs
left join totals using (run_seq, job_id)
order by
    known_jobs.started_at nulls last,
    known_jobs.run_seq,
    known_jobs.job_id
