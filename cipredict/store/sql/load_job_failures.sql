-- Purpose: how often each job of a workflow failed lately, for who decides whether others wait for it.
-- Grain:   a row per job of the workflow, the legs of a matrix taken together: one that failed makes the job fail;
--          ordered by job. Runs in which it was skipped or cancelled do not count.
-- Units:   counts of runs.
-- Parameters: $as_of: both the job and its run were known by then; $workflow: its name; $last_runs: of each job.

with
    verdicts as (
        select
            regexp_replace(jobs.name, ' \([^()]*\)$', '') as job,
            jobs.run_seq,
            max(runs.started_at) as started_at,
            bool_or(jobs.result in ('failure', 'timeout', 'error')) as is_failed
        from jobs
        join runs using (run_seq)
        where
            runs.workflow = $workflow
            and runs.known_at <= $as_of
            and coalesce(jobs.finished_at, jobs.started_at, runs.known_at) <= $as_of
            and jobs.result in ('success', 'failure', 'timeout', 'error')
        group by
            job,
            jobs.run_seq
    ),
    lately as (
        select *
        from verdicts
        qualify row_number() over (partition by job order by started_at desc nulls last, run_seq desc) <= $last_runs
    )
select
    job,
    count(*) as runs,
    count(*) filter (where is_failed) as failures
from lately
group by job
order by job
