-- Purpose: the runs that alerts look at.
-- Grain:   a row per run that ended by itself (succeeded or went wrong), in the order in which they became known.
-- Units:   duration_s, queued_s seconds, null where unknown, queued_s of the first job; flaky_cases counts cases that a
--          report of the run saw pass and fail, null without a report; at is aware UTC.
-- Parameters: $as_of.

with
    waits as (
        select
            run_seq,
            arg_min(queued_s, started_at) as queued_s
        from jobs
        where started_at is not null
        group by run_seq
    ),
    flaky as (
        select
            run_seq,
            count(distinct case_seq) as cases
        from case_runs
        where is_flaky
        group by run_seq
    )
select
    runs.known_at as at,
    runs.branch,
    runs.workflow,
    runs.result,
    epoch(runs.finished_at) - epoch(runs.started_at) as duration_s,
    waits.queued_s,
    if(runs.run_seq in (select run_seq from batches), coalesce(flaky.cases, 0), null) as flaky_cases
from runs
left join waits using (run_seq)
left join flaky using (run_seq)
where
    runs.known_at <= $as_of
    and runs.result in ('success', 'failure', 'error', 'timeout')
order by
    runs.known_at,
    runs.run_id,
    runs.attempt
