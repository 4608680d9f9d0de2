-- Purpose: the runs known at a time.
-- Grain:   a row per attempt of a run, ordered by started_at, run_id, attempt.
-- Units:   test_s seconds: the sum over all its reports, null without any, to the microsecond so that the order in which
--          threads add does not show; n_cases and n_failed count distinct cases, failed or erred in any report; aware UTC.
--          n_cases is counted in bits, 32 cases a block: a tenth of the time that distinct cases of ten million rows take.
-- Parameters: $as_of.

with
    known_runs as (
        select *
        from runs
        where known_at <= $as_of
    ),
    blocks as (
        select
            run_seq,
            bit_or(1::bigint << (case_seq & 31)) as cases,
            fsum(duration_s) as test_s
        from case_runs
        group by
            run_seq,
            case_seq >> 5
    ),
    totals as (
        select
            run_seq,
            sum(bit_count(cases))::bigint as n_cases,
            round(fsum(test_s), 6) as test_s
        from blocks
        group by run_seq
    ),
    failures as (
        select
            run_seq,
            count(distinct case_seq) as n_failed
        from case_runs
        where verdict in ('failed', 'error')
        group by run_seq
    )
select
    known_runs.run_seq,
    known_runs.provider,
    known_runs.repository,
    known_runs.run_id,
    known_runs.attempt,
    known_runs.workflow,
    known_runs.sha,
    known_runs.parent_sha,
    known_runs.branch,
    known_runs.event,
    known_runs.started_at,
    known_runs.finished_at,
    known_runs.result,
    known_runs.is_change_known,
    coalesce(totals.n_cases, 0) as n_cases,
    coalesce(failures.n_failed, 0) as n_failed,
    totals.test_s
from known_runs
left join totals using (run_seq)
left join failures using (run_seq)
order by
    known_runs.started_at,
    known_runs.run_id,
    known_runs.attempt,
    known_runs.run_seq
