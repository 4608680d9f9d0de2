-- Purpose: store what jobs found in their caches and what they saved; a known event adds nothing.
-- Grain:   a row per event in `incoming`.
-- Units:   size_bytes bytes, duration_s seconds, aware UTC.
-- Parameters: none. `unknown_runs.sql` went before.

insert into cache_events by name
select distinct on (incoming.event_id)
    incoming.event_id,
    runs.run_seq,
    incoming.happened_at,
    incoming.job,
    incoming.cache,
    incoming.key,
    incoming.matched_key,
    incoming.operation,
    incoming.outcome,
    incoming.size_bytes,
    incoming.duration_s
from incoming
left join runs
    on
        incoming.provider = runs.provider
        and incoming.repository = runs.repository
        and incoming.run_id = runs.run_id
        and incoming.attempt = runs.attempt
anti join cache_events on incoming.event_id = cache_events.event_id
order by incoming.event_id;
