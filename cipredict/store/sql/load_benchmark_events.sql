-- Purpose: what CI jobs measured, both sides of pairs, as they remembered it.
-- Grain:   a row per event of kind `benchmarks`, in the order of time.
-- Units:   happened_at aware UTC; body is JSON.
-- Parameters: $as_of.

select
    happened_at,
    body
from events
where
    kind = 'benchmarks'
    and happened_at <= $as_of
order by
    happened_at,
    event_id
