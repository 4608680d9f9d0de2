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
    placed_runs as (
        select
            *,
            row_number() over (order by known_at, started_at, run_id, attempt, run_seq) as position,
            if(
                sha = '' or event in ('pull_request', 'pull_request_target', 'merge_request_event'),
                concat_ws(' ', 'run', provider, repository, run_id),
                concat_ws(' ', 'commit', repository, sha)
            ) as tree,
            branch = $default_branch
                and branch <> ''
                and event in ('push', 'schedule', 'merge_group', 'workflow_dispatch', '') as is_base
        from runs
        where
            known_at <= $as_of
            and known_at > $since
    ),
    known_runs as materialized (
        select
            *,
            min(position) over (partition by tree) as tree_position
        from placed_runs
    ),
    failing_cases as materialized (
        select distinct case_seq
        from case_runs
        semi join known_runs using (run_seq)
        where
            verdict <> 'skipped'
            and if(is_flaky, attempts > 1, verdict <> 'passed')
    ),
    known_batches as materialized (
        select
            batches.batch_seq,
            known_runs.position,
            known_runs.tree_position,
            known_runs.is_base,
            nullif(known_runs.workflow, '') as workflow,
            coalesce(jobs.name, batches.job_id) as job,
            dense_rank() over (order by coalesce(jobs.name, batches.job_id)) as job_number
        from batches
        join known_runs using (run_seq)
        left join jobs on
            jobs.run_seq = batches.run_seq
            and jobs.job_id = batches.job_id
    ),
    executions as materialized (
        select
            case_runs.case_seq,
            case_runs.batch_seq,
            known_batches.position,
            known_batches.job_number,
            case_runs.attempts,
            case_runs.is_flaky,
            case
                when case_runs.is_flaky then 1
                when case_runs.verdict = 'passed' then case_runs.attempts
                else 0
            end as passes
        from case_runs
        semi join failing_cases using (case_seq)
        join known_batches using (batch_seq)
        where case_runs.verdict <> 'skipped'
    ),
    roaming_cases as (  -- few, and cheap to find; the others cannot be in several jobs of one run
        select case_seq
        from executions
        group by case_seq
        having min(job_number) <> max(job_number)
    ),
    matrix_cases as materialized (
        select distinct case_seq
        from (
            select case_seq
            from executions
            semi join roaming_cases using (case_seq)
            group by
                case_seq,
                position
            having min(job_number) <> max(job_number)
        )
    ),
    series as materialized (
        select
            batch_seq,
            is_matrix,
            concat_ws(' / ', workflow, if(is_matrix, job, null)) as series,
            dense_rank() over (order by concat_ws(' / ', workflow, if(is_matrix, job, null))) as series_number,
            position,
            tree_position,
            is_base
        from known_batches
        cross join (values (false), (true)) as kinds (is_matrix)
    ),
    in_series as materialized (
        select
            executions.case_seq,
            series.series_number,
            series.tree_position,
            series.position,
            series.is_base,
            executions.attempts,
            executions.is_flaky,
            executions.passes
        from executions
        left join matrix_cases using (case_seq)
        join series on
            series.batch_seq = executions.batch_seq
            and series.is_matrix = (matrix_cases.case_seq is not null)
    ),
    trees as materialized (
        select
            case_seq,
            series_number,
            tree_position,
            min(position) as position,
            max(position) as last_position,
            coalesce(max(position) filter (where passes > 0), 0) as last_pass,
            coalesce(min(position) filter (where passes < attempts), min(position)) as run_position,
            bool_or(is_base) as is_base,
            sum(passes) as passes,
            sum(attempts - passes) as failures,
            coalesce(sum(attempts - passes) filter (where is_flaky), 0) as rerun_failures
        from in_series
        group by
            case_seq,
            series_number,
            tree_position
    ),
    red_trees as (
        select
            trees.case_seq,
            trees.series_number,
            trees.tree_position,
            count(distinct in_series.position) as red_runs
        from in_series
        join trees using (case_seq, series_number, tree_position)
        where
            trees.failures > 0
            and in_series.position > trees.last_pass
        group by
            trees.case_seq,
            trees.series_number,
            trees.tree_position
    ),
    beside_failures as (
        select
            case_seq,
            series_number,
            tree_position
        from (
            select
                case_seq,
                series_number,
                tree_position,
                lag(failures) over in_order > 0 or lead(failures) over in_order > 0 as is_beside
            from trees
            semi join (from trees where is_base and failures > 0) as red using (case_seq, series_number)
            where is_base
            window in_order as (
                partition by
                    case_seq,
                    series_number
                order by position
            )
        )
        where is_beside
    ),
    rows_of_trees as (
        select
            trees.case_seq,
            trees.series_number,
            trees.is_base,
            arg_max(trees.tree_position, trees.position) as tree_position,
            arg_max(trees.run_position, trees.position) as run_position,
            max(trees.last_position) as last_position,
            max(trees.position) as position,
            sum(trees.passes)::bigint as passes,
            sum(trees.failures)::bigint as failures,
            sum(trees.rerun_failures)::bigint as rerun_failures
        from trees
        left join beside_failures using (case_seq, series_number, tree_position)
        group by
            trees.case_seq,
            trees.series_number,
            trees.is_base,
            if(trees.failures > 0 or beside_failures.case_seq is not null, trees.tree_position, null)
    ),
    named_series as (
        select distinct
            series_number,
            series
        from series
    )
select
    cases.case_id,
    named_series.series,
    first_runs.tree,
    rows_of_trees.position,
    rows_of_trees.is_base,
    rows_of_trees.passes,
    rows_of_trees.failures,
    rows_of_trees.rerun_failures,
    coalesce(red_trees.red_runs, 0) as red_runs,
    told_runs.run_id,
    last_runs.known_at
from rows_of_trees
join cases using (case_seq)
join named_series using (series_number)
join known_runs as first_runs on first_runs.position = rows_of_trees.tree_position
join known_runs as told_runs on told_runs.position = rows_of_trees.run_position
join known_runs as last_runs on last_runs.position = rows_of_trees.last_position
left join red_trees on
    red_trees.case_seq = rows_of_trees.case_seq
    and red_trees.series_number = rows_of_trees.series_number
    and red_trees.tree_position = rows_of_trees.tree_position
order by
    cases.case_id,
    named_series.series,
    rows_of_trees.position
