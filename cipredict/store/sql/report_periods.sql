-- Purpose: how runs went, period by period: the curves on top of the report.
-- Grain:   a row per period in which a run ended, ordered by period.
-- Units:   period is its first moment, aware UTC; _s seconds, null where no run of the period tells; queued_s is what the
--          first job of a run waited. judged counts runs that succeeded or went wrong: cancelled and skipped ones are in
--          `runs` only.
-- Parameters: $as_of; $unit, `day`, `week` or `month`.

with
    waits as (
        select
            run_seq,
            arg_min(queued_s, started_at) as queued_s
        from jobs
        where started_at is not null
        group by run_seq
    )
select
    date_trunc($unit, runs.known_at at time zone 'UTC') at time zone 'UTC' as period,
    count(*) as runs,
    count(*) filter (where result = 'success') as succeeded,
    count(*) filter (where result in ('success', 'failure', 'error', 'timeout')) as judged,
    quantile_cont(epoch(finished_at) - epoch(started_at), 0.5) as p50_s,
    quantile_cont(epoch(finished_at) - epoch(started_at), 0.9) as p90_s,
    quantile_cont(epoch(finished_at) - epoch(started_at), 0.95) as p95_s,
    quantile_cont(waits.queued_s, 0.5) as queued_p50_s,
    quantile_cont(waits.queued_s, 0.95) as queued_p95_s
from runs
left join waits using (run_seq)
where known_at <= $as_of
group by all
order by period
