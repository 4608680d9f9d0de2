-- Purpose: the plans made by a time.
-- Grain:   a row per plan, ordered by made_at, event_id. The run may be unknown to the store.
-- Units:   aware UTC; body is the plan as JSON text.
-- Parameters: $as_of.

select
    plans.event_id,
    plans.plan_id,
    plans.plan_schema,
    events.happened_at as made_at,
    events.provider,
    events.repository,
    events.run_id,
    events.attempt,
    plans.skips_nothing,
    events.body
from plans
join events using (event_id)
where events.happened_at <= $as_of
order by
    events.happened_at,
    plans.event_id
