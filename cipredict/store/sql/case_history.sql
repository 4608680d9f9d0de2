-- Purpose: what was known about each case at a time: how often, how lately and how it failed, and how long it took.
-- Grain:   a row per case and scope, ordered by scope, case_id. Scope `all` has every run, `default_branch` only those
--          that tested this branch itself. A run in which the case was skipped does not count; reports of one run count
--          once, the worst verdict and the mean time. Runs follow each other by known_at, started_at, run_id, attempt.
-- Units:   _s seconds; aware UTC.
--          decayed_runs, decayed_failures: the run n runs ago weighs 0.5 ** (n / 10); failure_rate is their quotient.
--          new_failures: failures after a run without; flips: verdicts that differ from the one before.
--          duration_ewma_s: the newest time weighs 0.3; duration_p90_s: of the last 20 times, interpolated.
-- Parameters: $as_of; $default_branch, empty where unknown; $last_runs, how many runs to look at, the latest known first;
--          null for all.

with
    known_runs as (
        select
            run_seq,
            known_at,
            event,
            branch,
            row_number() over (order by known_at, started_at, run_id, attempt, run_seq)::integer as position
        from runs
        where known_at <= $as_of
        order by position desc
        limit $last_runs
    ),
    placed_runs as (
        select
            known_runs.run_seq,
            known_runs.known_at,
            known_runs.position,
            known_runs.branch = $default_branch
                and known_runs.branch <> ''
                and known_runs.event in ('push', 'schedule', 'merge_group', 'workflow_dispatch', '') as is_base
        from known_runs
    ),
    verdicts as (
        select
            run_seq,
            case_seq,
            max(verdict) as verdict,
            max(verdict) in ('failed', 'error') as is_failed,
            avg(duration_s) as duration_s
        from case_runs
        semi join known_runs using (run_seq)
        group by
            run_seq,
            case_seq
        having max(verdict) <> 'skipped'
    ),
    scoped as (
        select
            scopes.is_narrow,
            verdicts.case_seq,
            verdicts.verdict,
            verdicts.is_failed,
            verdicts.duration_s,
            placed_runs.known_at,
            placed_runs.position
        from verdicts
        join placed_runs using (run_seq)
        join (values (false), (true)) as scopes (is_narrow) on placed_runs.is_base or not scopes.is_narrow
    ),
    ranked as (
        select
            is_narrow,
            case_seq,
            verdict,
            is_failed,
            duration_s,
            known_at,
            row_number() over newest_first - 1 as runs_ago,
            lead(is_failed) over newest_first as was_failed,
            count(duration_s) over newest_first - 1 as times_ago,
            count(duration_s) over (partition by is_narrow, case_seq) as timed_runs
        from scoped
        window newest_first as (
            partition by
                is_narrow,
                case_seq
            order by position desc
            rows between unbounded preceding and current row
        )
    )
select
    if(ranked.is_narrow, 'default_branch', 'all') as scope,
    cases.case_id,
    count(*) as runs,
    count(*) filter (where is_failed) as failures,
    count(*) filter (where is_failed and not coalesce(was_failed, false)) as new_failures,
    count(*) filter (where is_failed <> was_failed) as flips,
    sum(pow(0.5, runs_ago / 10)) as decayed_runs,
    coalesce(sum(pow(0.5, runs_ago / 10)) filter (where is_failed), 0) as decayed_failures,
    coalesce(sum(pow(0.5, runs_ago / 10)) filter (where is_failed), 0) / sum(pow(0.5, runs_ago / 10)) as failure_rate,
    arg_min(verdict, runs_ago) as last_verdict,
    min(runs_ago) filter (where is_failed) as runs_since_failure,
    epoch($as_of) - epoch(max(known_at) filter (where is_failed)) as since_failure_s,
    epoch($as_of) - epoch(min(known_at)) as age_s,
    count(duration_s) as timed_runs,
    arg_min(duration_s, times_ago) filter (where duration_s is not null) as duration_last_s,
    median(duration_s) filter (where times_ago < 3) as duration_median3_s,
    sum(duration_s * pow(0.7, times_ago) * if(times_ago = timed_runs - 1, 1, 0.3)) as duration_ewma_s,
    quantile_cont(duration_s, 0.9) filter (where times_ago < 20) as duration_p90_s
from ranked
join cases using (case_seq)
group by
    ranked.is_narrow,
    cases.case_id
order by
    scope,
    cases.case_id
