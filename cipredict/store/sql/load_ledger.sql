-- Purpose: what each selection plan decided, and what happened to its cases afterwards.
-- Grain:   a row per plan with predictions, ordered by made_at, event_id.
-- Units:   counts of cases; selected_s, decided_s expected seconds; missed_cases sorted case ids; aware UTC.
--          A case failed if it failed or erred in the plan's own run, or in the first full run of the same commit: one
--          whose plan, if it had any, skipped nothing. It was missed if the plan skipped it.
--          p_miss: 0…1, what the plan promised of a failing run, null where it could not.
--          is_judged: a report of at least one of the two runs is known; without, nothing failed that we know of.
-- Parameters: $as_of.

with
    known_runs as (
        select *
        from runs
        where
            known_at <= $as_of
            and run_seq in (select run_seq from batches)
    ),
    made as (
        select
            plans.event_id,
            plans.plan_id,
            plans.plan_schema,
            plans.skips_nothing,
            events.happened_at as made_at,
            events.provider,
            events.repository,
            events.run_id,
            events.attempt,
            coalesce(nullif(runs.sha, ''), events.body -> 'made_from' ->> 'commit', '') as sha,
            try_cast(events.body -> 'miss' ->> 'p_miss_given_failure' as double) as p_miss
        from plans
        join events using (event_id)
        left join runs using (provider, repository, run_id, attempt)
        where events.happened_at <= $as_of
    ),
    full_runs as (
        select
            repository,
            sha,
            arg_min(run_seq, (known_at, run_id, attempt)) as run_seq
        from known_runs
        anti join (from made where not skips_nothing) as skipping using (provider, repository, run_id, attempt)
        where sha <> ''
        group by
            repository,
            sha
    ),
    judging_runs as (
        select
            made.event_id,
            known_runs.run_seq
        from made
        join known_runs using (provider, repository, run_id, attempt)
        union
        select
            made.event_id,
            full_runs.run_seq
        from made
        join full_runs using (repository, sha)
    ),
    failures as (
        select distinct
            judging_runs.event_id,
            case_runs.case_seq
        from judging_runs
        join case_runs using (run_seq)
        where case_runs.verdict in ('failed', 'error')
    ),
    decided as (
        select
            event_id,
            count(*) as decided,
            count(*) filter (where is_selected) as selected,
            sum(expected_s) as decided_s,
            sum(expected_s) filter (where is_selected) as selected_s
        from predictions
        group by event_id
    ),
    outcomes as (
        select
            failures.event_id,
            count(*) as failing,
            count(*) filter (where not coalesce(predictions.is_selected, true)) as missed,
            list(cases.case_id order by cases.case_id) filter (where not predictions.is_selected) as missed_cases
        from failures
        join cases using (case_seq)
        left join predictions using (event_id, case_seq)
        group by failures.event_id
    )
select
    made.event_id,
    made.plan_id,
    made.plan_schema,
    made.made_at,
    made.provider,
    made.repository,
    made.run_id,
    made.attempt,
    made.sha,
    made.skips_nothing,
    decided.decided,
    decided.selected,
    decided.decided_s,
    decided.selected_s,
    made.event_id in (select event_id from judging_runs) as is_judged,
    coalesce(outcomes.failing, 0) as failing,
    coalesce(outcomes.failing - outcomes.missed, 0) as caught,
    coalesce(outcomes.missed, 0) as missed,
    coalesce(outcomes.missed_cases, []) as missed_cases,
    made.p_miss
from made
join decided using (event_id)
left join outcomes using (event_id)
order by
    made.made_at,
    made.event_id
