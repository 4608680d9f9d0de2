-- Purpose: whether forecasts of failures came true: of cases forecast to fail this often, how many did.
-- Grain:   a row per band of forecast probability with results, the lowest first: two to a decade.
-- Units:   low, high and forecast (the mean) 0…1; cases counts decisions of plans about cases that ran in the plan's own
--          run, failed those that failed or erred in any report of it. What a plan skipped does not tell.
-- Parameters: $as_of; $last_plans, how many selection plans to look at, the latest first.

with
    made as (
        select
            events.event_id,
            runs.run_seq
        from plans
        join events using (event_id)
        join runs using (provider, repository, run_id, attempt)
        where
            plans.plan_schema like 'cipredict.selection-plan/%'
            and events.happened_at <= $as_of
            and runs.known_at <= $as_of
        order by
            events.happened_at desc,
            events.event_id desc
        limit $last_plans
    ),
    came_out as (
        select
            run_seq,
            case_seq,
            max(verdict in ('failed', 'error')) as is_failed
        from case_runs
        semi join made using (run_seq)
        where verdict <> 'skipped'
        group by
            run_seq,
            case_seq
    ),
    forecast as (
        select
            predictions.p_fail,
            came_out.is_failed,
            (case
                when predictions.p_fail < 0.001 then 0
                when predictions.p_fail < 0.003 then 0.001
                when predictions.p_fail < 0.01 then 0.003
                when predictions.p_fail < 0.03 then 0.01
                when predictions.p_fail < 0.1 then 0.03
                when predictions.p_fail < 0.3 then 0.1
                else 0.3
            end)::double as low
        from predictions
        join made using (event_id)
        join came_out using (run_seq, case_seq)
        where predictions.p_fail between 0 and 1
    )
select
    low,
    (case low
        when 0 then 0.001
        when 0.001 then 0.003
        when 0.003 then 0.01
        when 0.01 then 0.03
        when 0.03 then 0.1
        when 0.1 then 0.3
        else 1
    end)::double as high,
    count(*) as cases,
    avg(p_fail) as forecast,
    count(*) filter (where is_failed) as failed
from forecast
group by low
order by low
