-- Purpose: what gates found, decision by decision.
-- Grain:   a row per gate of a gate plan, ordered by happened_at, event_id, then as the plan lists them.
-- Units:   value in base units of its dimension, null where nothing was measured; reason is empty where the gate passed;
--          aware UTC. An entry of an event that is no gate has an empty name and is left out.
-- Parameters: $as_of; $last_plans, how many decisions to look at, the latest first.

with
    decided as (
        select
            events.event_id,
            events.happened_at,
            events.run_id,
            coalesce(events.body -> 'subject' ->> 'branch', '') as branch,
            coalesce(events.body ->> 'verdict', '') as verdict,
            json_transform(events.body -> 'gates', '["json"]') as gates
        from plans
        join events using (event_id)
        where
            plans.plan_schema like 'cipredict.gate-plan/%'
            and events.happened_at <= $as_of
        order by
            events.happened_at desc,
            events.event_id desc
        limit $last_plans
    ),
    judged as (
        select
            * exclude (gates),
            unnest(gates) as gate,
            generate_subscripts(gates, 1) as position
        from decided
    )
select
    event_id,
    happened_at,
    run_id,
    branch,
    verdict,
    gate ->> 'name' as name,
    coalesce(gate ->> 'metric', '') as metric,
    coalesce(gate ->> 'outcome', '') as outcome,
    coalesce(gate ->> 'effect', '') as effect,
    try_cast(gate ->> 'value' as double) as value,
    coalesce(gate ->> 'dimension', '') as dimension,
    coalesce(gate ->> 'demand', '') as demand,
    coalesce(gate ->> 'measured', '') as measured,
    if(gate ->> 'outcome' = 'pass', '', coalesce(gate ->> 'reason', '')) as reason
from judged
where coalesce(gate ->> 'name', '') <> ''
order by
    happened_at,
    event_id,
    position
