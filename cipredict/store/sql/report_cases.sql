-- Purpose: how each case did lately, and which way its time goes.
-- Grain:   a row per case with a result other than skipped in the runs, ordered by case_id. A case that several reports of
--          a run have counts once in each.
-- Units:   _s seconds, null where not measured; trend: mean seconds in each of 12 equal stretches of the runs, oldest
--          first, null where the case was not timed; failed_at is the last failure, aware UTC.
-- Parameters: $as_of; $last_runs, how many runs to look at, the latest known first.

with
    listed as (
        select
            run_seq,
            known_at,
            row_number() over (order by known_at, run_id, attempt, run_seq) - 1 as position
        from (
            select *
            from runs
            where
                known_at <= $as_of
                and run_seq in (select run_seq from batches)
            order by
                known_at desc,
                run_id desc,
                attempt desc,
                run_seq desc
            limit $last_runs
        )
    ),
    placed as (
        select
            run_seq,
            known_at,
            (position * 12 // (select count(*) from listed))::integer as stretch
        from listed
    ),
    results as (
        select
            case_runs.case_seq,
            case_runs.duration_s,
            case_runs.verdict in ('failed', 'error') as is_failed,
            placed.known_at,
            placed.stretch
        from case_runs
        join placed using (run_seq)
        where case_runs.verdict <> 'skipped'
    ),
    stretches as (
        select
            case_seq,
            stretch,
            avg(duration_s) as mean_s
        from results
        group by all
    ),
    trends as (
        select
            case_seq,
            list_transform(range(12), lambda k: map_from_entries(list((stretch, mean_s)))[k::integer]) as trend
        from stretches
        group by case_seq
    ),
    totals as (
        select
            case_seq,
            count(*) as results,
            count(*) filter (where is_failed) as failures,
            quantile_cont(duration_s, [0.5, 0.95]) as quantiles_s,
            sum(duration_s) as total_s,
            max(known_at) filter (where is_failed) as failed_at
        from results
        group by case_seq
    )
select
    cases.case_id,
    totals.results,
    totals.failures,
    totals.quantiles_s[1] as p50_s,
    totals.quantiles_s[2] as p95_s,
    totals.total_s,
    totals.failed_at,
    trends.trend
from totals
join trends using (case_seq)
join cases using (case_seq)
order by cases.case_id
