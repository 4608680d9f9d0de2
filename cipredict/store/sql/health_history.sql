-- Purpose: how much history there is, how old, and how much of it lacks what plans rest on.
-- Grain:   one row.
-- Units:   runs known at the time; reported_runs of them have cases, failing_runs a failed one, changeless_runs have
--          cases and nobody knows what changed. timeless_runs were never named by an ingest: no time, counted whenever.
--          case_runs, untimed_case_runs: results of known runs, and those without seconds, skipped ones left out.
--          first_at, last_at: of runs with cases; aware UTC.
-- Parameters: $as_of.

with
    known_runs as (
        select *
        from runs
        where known_at <= $as_of
    ),
    totals as (
        select
            case_runs.run_seq,
            count(*) filter (where verdict in ('failed', 'error')) > 0 as is_failing,
            count(*) filter (where verdict <> 'skipped') as case_runs,
            count(*) filter (where verdict <> 'skipped' and duration_s is null) as untimed
        from case_runs
        join known_runs using (run_seq)
        group by case_runs.run_seq
    )
select
    (select count(*) from known_runs) as runs,
    (select count(*) from runs where known_at is null) as timeless_runs,
    count(*) as reported_runs,
    count(*) filter (where totals.is_failing) as failing_runs,
    count(*) filter (where not known_runs.is_change_known) as changeless_runs,
    coalesce(sum(totals.case_runs), 0)::bigint as case_runs,
    coalesce(sum(totals.untimed), 0)::bigint as untimed_case_runs,
    min(known_runs.known_at) as first_at,
    max(known_runs.known_at) as last_at
from totals
join known_runs using (run_seq)
