-- Purpose: remember the time before which everything that ages is old.
-- Grain:   one row.
-- Units:   aware UTC.
-- Parameters: $before.

create or replace temp table cutoff as
select cast($before as timestamptz) as before
