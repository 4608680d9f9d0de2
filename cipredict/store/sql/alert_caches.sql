-- Purpose: what caches gave, for alerts.
-- Grain:   a row per hit or miss, in the order of time.
-- Units:   at is aware UTC.
-- Parameters: $as_of.

select
    happened_at as at,
    operation = 'hit' as is_hit
from cache_events
where
    happened_at <= $as_of
    and operation in ('hit', 'miss')
order by
    happened_at,
    event_id
