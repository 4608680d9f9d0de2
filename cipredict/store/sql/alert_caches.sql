-- Purpose: what caches gave, for alerts.
-- Grain:   a row per restore, in the order of time.
-- Units:   is_hit: an entry was found, by its key or by prefix; at is aware UTC.
-- Parameters: $as_of.

select
    happened_at as at,
    outcome <> 'miss' as is_hit
from cache_events
where
    happened_at <= $as_of
    and operation = 'restore'
    and outcome in ('exact', 'prefix', 'miss')
order by
    happened_at,
    event_id
