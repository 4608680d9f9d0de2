-- Purpose: what jobs found in their caches, and what they saved.
-- Grain:   a row per event, ordered by happened_at, event_id. The key of the run is null outside CI.
-- Units:   size_bytes bytes; restore_s and save_s seconds, of which one is null; aware UTC.
-- Parameters: $as_of: no event that happened later.

select
    cache_events.event_id,
    cache_events.happened_at,
    runs.run_seq,
    runs.provider,
    runs.repository,
    runs.run_id,
    runs.attempt,
    runs.branch,
    runs.sha,
    cache_events.job,
    cache_events.cache,
    cache_events.operation,
    cache_events.key,
    cache_events.matched_key,
    cache_events.outcome,
    cache_events.size_bytes,
    case when cache_events.operation = 'restore' then cache_events.duration_s end as restore_s,
    case when cache_events.operation = 'save' then cache_events.duration_s end as save_s
from cache_events
left join runs using (run_seq)
where cache_events.happened_at <= $as_of
order by
    cache_events.happened_at,
    cache_events.event_id
