-- Purpose: what steps that may build an image took, run by run, beside the commit that was built.
-- Grain:   a row per step of a job whose name, or whose job's name where there are no steps (GitLab), matches; ordered
--          by started_at, run_seq, job_id, number.
-- Units:   seconds; aware UTC.
-- Parameters: $as_of: it had ended by then; $pattern: a regular expression, whatever the case.

with job_steps as (
    select
        run_seq,
        job_id,
        number,
        name as step,
        started_at,
        finished_at,
        result
    from steps
    union all
    select
        run_seq,
        job_id,
        0 as number,
        name as step,
        started_at,
        finished_at,
        result
    from jobs
    where not exists (
        select 1
        from steps
        where steps.run_seq = jobs.run_seq and steps.job_id = jobs.job_id
    )
)
select
    runs.sha,
    job_steps.step,
    job_steps.started_at,
    epoch(job_steps.finished_at) - epoch(job_steps.started_at) as duration_s
from job_steps
join runs using (run_seq)
where
    regexp_matches(job_steps.step, $pattern, 'i')
    and job_steps.finished_at <= $as_of
    and job_steps.result = 'success'
order by
    job_steps.started_at,
    job_steps.run_seq,
    job_steps.job_id,
    job_steps.number
