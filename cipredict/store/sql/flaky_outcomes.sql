-- Purpose: how the executions of each case that ever failed came out on each state of the code, for its flakiness.
-- Grain:   a row per case, series and tree, ordered by case_id, series, position; only cases with a failed attempt.
--          A tree is a state of the code: a commit; for a pull or merge request, which may test a merge with a moving
--          target, and where no commit is known, the run with all its attempts.
--          A series is what ran alike: the workflow, and where a run has the case in several jobs (a matrix) the job.
--          Where no run has, a job is a shard or a retry, and jobs are pooled. Skipped cases do not count.
--          Trees where all passed, away from any failure on the default branch, are one row, at the last of them.
-- Units:   passes, failures count attempts; rerun_failures are those of reports that hold a pass of the case, too;
--          red_runs are runs in which all failed, after the last that passed on the tree;
--          position orders trees by their first run; is_base: the default branch itself was tested; aware UTC.
-- Parameters: $as_of; $since, runs known after it count; $default_branch, empty where unknown.

with
    known_runs as (
        select
            *,
            row_number() over (order by known_at, started_at, run_id, attempt, run_seq) as position,
            if(
                sha = '' or event in ('pull_request', 'pull_request_target', 'merge_request_event'),
                concat_ws(' ', 'run', provider, repository, run_id),
                concat_ws(' ', 'commit', repository, sha)
            ) as tree
        from runs
        where
            known_at <= $as_of
            and known_at > $since
    ),
    executions as (
        select
            case_runs.case_seq,
            case_runs.run_seq,
            coalesce(jobs.name, batches.job_id) as job,
            case_runs.attempts,
            case_runs.is_flaky,
            case
                when case_runs.is_flaky then 1
                when case_runs.verdict = 'passed' then case_runs.attempts
                else 0
            end as passes
        from case_runs
        join batches using (batch_seq)
        left join jobs on
            jobs.run_seq = case_runs.run_seq
            and jobs.job_id = batches.job_id
        where case_runs.verdict <> 'skipped'
    ),
    failing_cases as (
        select distinct executions.case_seq
        from executions
        join known_runs using (run_seq)
        where executions.passes < executions.attempts
    ),
    matrix_cases as (
        select distinct case_seq
        from (
            select
                executions.case_seq,
                executions.run_seq
            from executions
            join failing_cases using (case_seq)
            join known_runs using (run_seq)
            group by all
            having count(distinct executions.job) > 1
        )
    ),
    in_series as (
        select
            executions.*,
            concat_ws(
                ' / ',
                nullif(known_runs.workflow, ''),
                if(executions.case_seq in (select case_seq from matrix_cases), executions.job, null)
            ) as series,
            known_runs.tree,
            known_runs.position,
            known_runs.run_id,
            known_runs.known_at,
            known_runs.branch = $default_branch
                and known_runs.branch <> ''
                and known_runs.event in ('push', 'schedule', 'merge_group', 'workflow_dispatch', '') as is_base
        from executions
        join failing_cases using (case_seq)
        join known_runs using (run_seq)
    ),
    dated as (
        select
            *,
            max(if(passes > 0, position, 0)) over (
                partition by
                    case_seq,
                    series,
                    tree
            ) as last_pass
        from in_series
    ),
    trees as (
        select
            case_seq,
            series,
            tree,
            count(distinct run_seq) filter (where position > last_pass) as red_runs,
            min(position) as position,
            bool_or(is_base) as is_base,
            sum(passes) as passes,
            sum(attempts - passes) as failures,
            coalesce(sum(attempts - passes) filter (where is_flaky), 0) as rerun_failures,
            coalesce(
                arg_min(run_id, position) filter (where passes < attempts),
                arg_min(run_id, position)
            ) as run_id,
            max(known_at) as known_at
        from dated
        group by
            case_seq,
            series,
            tree
    ),
    sorted_out as (
        select
            *,
            failures > 0
            or (is_base and (
                coalesce(lag(failures) over in_order > 0, false) or coalesce(lead(failures) over in_order > 0, false)
            )) as is_telling
        from trees
        window in_order as (
            partition by
                case_seq,
                series,
                is_base
            order by position
        )
    )
select
    cases.case_id,
    sorted_out.series,
    max(sorted_out.tree) as tree,
    max(sorted_out.position) as position,
    sorted_out.is_base,
    sum(sorted_out.passes)::bigint as passes,
    sum(sorted_out.failures)::bigint as failures,
    sum(sorted_out.rerun_failures)::bigint as rerun_failures,
    max(sorted_out.red_runs) as red_runs,
    max(sorted_out.run_id) as run_id,
    max(sorted_out.known_at) as known_at
from sorted_out
join cases using (case_seq)
group by
    cases.case_id,
    sorted_out.series,
    sorted_out.is_base,
    if(sorted_out.is_telling, sorted_out.tree, null)
order by
    cases.case_id,
    sorted_out.series,
    max(sorted_out.position)
