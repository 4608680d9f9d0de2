-- Purpose: what was known about each case at a time: how often, how lately and how it failed, and how long it took.
-- Grain:   a row per case and scope, ordered by scope, case_id. Scope `all` has every run, `default_branch` only those
--          that tested this branch itself. A run in which the case was skipped does not count; reports of one run count
--          once, the worst verdict and the mean time. Runs follow each other by known_at, started_at, run_id, attempt.
-- Units:   _s seconds; aware UTC.
--          decayed_runs, decayed_failures: the run n runs ago weighs 0.5 ** (n / 10); failure_rate is their quotient.
--          new_failures: failures after a run without; flips: verdicts that differ from the one before.
--          duration_ewma_s: the newest time weighs 0.3; duration_p90_s: of the last 20 times, interpolated.
-- Parameters: $as_of; $default_branch, empty for the branch most often pushed to.

with
    known_runs as (
        select
            run_seq,
            known_at,
            event,
            branch,
            row_number() over (order by known_at, started_at, run_id, attempt, run_seq) as position
        from runs
        where known_at <= $as_of
    ),
    default_branch as (
        select coalesce(nullif($default_branch, ''), (
            select branch
            from known_runs
            where event = 'push'
            group by branch
            order by
                count(*) desc,
                branch
            limit 1
        )) as branch
    ),
    verdicts as (
        select
            known_runs.position,
            known_runs.known_at,
            known_runs.branch = default_branch.branch
                and known_runs.event in ('push', 'schedule', 'merge_group', 'workflow_dispatch', '') as is_base,
            case_runs.case_seq,
            max(case_runs.verdict) as verdict,
            avg(case_runs.duration_s) as duration_s
        from case_runs
        join known_runs using (run_seq)
        cross join default_branch
        group by all
        having max(case_runs.verdict) <> 'skipped'
    ),
    scoped as (
        select
            'all' as scope,
            *
        from verdicts
        union all
        select
            'default_branch' as scope,
            *
        from verdicts
        where is_base
    ),
    ranked as (
        select
            scope,
            case_seq,
            verdict,
            verdict in ('failed', 'error') as is_failed,
            duration_s,
            known_at,
            row_number() over newest_first - 1 as runs_ago,
            lead(verdict in ('failed', 'error')) over newest_first as was_failed,
            count(duration_s) over newest_first - 1 as times_ago,
            count(duration_s) over (partition by scope, case_seq) as timed_runs
        from scoped
        window newest_first as (
            partition by
                scope,
                case_seq
            order by position desc
            rows between unbounded preceding and current row
        )
    )
select
    ranked.scope,
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
    ranked.scope,
    cases.case_id
order by
    ranked.scope,
    cases.case_id
