-- Purpose: the jobs of runs in a window of time, with their steps.
-- Grain:   a row per job, ordered by run_seq, started_at (unknown last), job_id; `steps` in the order of number, null
--          without any.
-- Units:   queued_s seconds; aware UTC.
-- Parameters: $since, $until, as in load_traced_runs.

with
    step_lists as (
        select
            run_seq,
            job_id,
            list(
                struct_pack(
                    number := number,
                    name := name,
                    started_at := started_at,
                    finished_at := finished_at,
                    result := result
                )
                order by number
            ) as steps
        from steps
        group by
            run_seq,
            job_id
    )
select
    jobs.run_seq,
    jobs.job_id,
    jobs.name,
    jobs.started_at,
    jobs.finished_at,
    jobs.queued_s,
    jobs.runner,
    jobs.result,
    step_lists.steps
from jobs
join runs using (run_seq)
left join step_lists using (run_seq, job_id)
where
    coalesce(runs.finished_at, runs.started_at) >= $since
    and coalesce(runs.finished_at, runs.started_at) < $until
order by
    jobs.run_seq,
    jobs.started_at nulls last,
    jobs.job_id
