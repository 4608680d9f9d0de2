-- Purpose: the events that are in the ledger already.
-- Grain:   a row per event, ordered by event_id.
-- Units:   none.
-- Parameters: none.

select event_id
from events
order by event_id
