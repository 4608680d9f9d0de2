-- Purpose: the runs that a report lists.
-- Grain:   a row per attempt of a run, the latest known first.
-- Units:   _s seconds, null where unknown: queued_s is what the first job waited, test_s the sum over all reports; failures
--          counts results that failed or erred, so a case counts in every report it failed in; ended is when the run became
--          known, its start where the end is not; aware UTC.
-- Parameters: $as_of; $last_runs, how many to give; $run_seq, only this one, null for all; $ref, only of
--          this branch or of commits that begin so (7 digits or more), empty for all.

with
    listed as (
        select *
        from runs
        where
            known_at <= $as_of
            and run_seq = coalesce($run_seq, run_seq)
            and ($ref = '' or branch = $ref or (length($ref) >= 7 and starts_with(sha, $ref)))
        order by
            known_at desc,
            run_id desc,
            attempt desc,
            run_seq desc
        limit $last_runs
    ),
    waits as (
        select
            run_seq,
            count(*) as jobs,
            arg_min(queued_s, started_at) as queued_s
        from jobs
        semi join listed using (run_seq)
        group by run_seq
    ),
    totals as (
        select
            run_seq,
            count(*) as results,
            count(*) filter (where verdict in ('failed', 'error')) as failures,
            round(fsum(duration_s), 3) as test_s
        from case_runs
        semi join listed using (run_seq)
        group by run_seq
    )
select
    listed.run_seq,
    listed.repository,
    listed.run_id,
    listed.attempt,
    listed.workflow,
    listed.branch,
    listed.event,
    listed.sha,
    listed.url,
    listed.started_at,
    listed.known_at as ended,
    epoch(listed.finished_at) - epoch(listed.started_at) as duration_s,
    waits.queued_s,
    listed.result,
    coalesce(waits.jobs, 0) as jobs,
    coalesce(totals.results, 0) as results,
    coalesce(totals.failures, 0) as failures,
    totals.test_s
from listed
left join waits using (run_seq)
left join totals using (run_seq)
order by
    listed.known_at desc,
    listed.run_id desc,
    listed.attempt desc,
    listed.run_seq desc
