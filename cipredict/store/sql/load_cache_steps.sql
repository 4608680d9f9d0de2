-- Purpose: what steps that look like a cache took, for jobs whose logs nobody has kept.
-- Grain:   a row per job and step, the step behind the job (`Post …`) joined to it; ordered by started_at, run_seq,
--          job_id, number. A setup action caches only where it is told to, so its seconds are an upper bound.
-- Units:   restore_s and save_s seconds, save_s null where the step has no post; aware UTC.
-- Parameters: $as_of: both steps had ended by then.

with cache_steps as (
    select
        run_seq,
        job_id,
        number,
        regexp_replace(name, '^Post ', '') as step,
        name like 'Post %' as is_post,
        started_at,
        epoch(finished_at) - epoch(started_at) as duration_s
    from steps
    where
        regexp_matches(name, '\bcache\b|actions/setup-', 'i')
        and finished_at <= $as_of
        and result = 'success'
)
select
    restoring.run_seq,
    restoring.job_id,
    restoring.number,
    restoring.step,
    restoring.started_at,
    restoring.duration_s as restore_s,
    max(saving.duration_s) as save_s
from cache_steps as restoring
left join cache_steps as saving
    on
        restoring.run_seq = saving.run_seq
        and restoring.job_id = saving.job_id
        and restoring.step = saving.step
        and saving.is_post
where not restoring.is_post
group by all
order by
    restoring.started_at,
    restoring.run_seq,
    restoring.job_id,
    restoring.number
