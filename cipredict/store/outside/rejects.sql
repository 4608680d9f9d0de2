-- Purpose: count the lines of a CSV file that are no rows of it.
-- Grain:   one row. A line with two errors is one line; of one that is not UTF-8, nothing else is known.
-- Parameters: none.

with
    lines as (
        select bool_or(error_type = 'INVALID ENCODING') as is_misencoded
        from reject_errors
        group by line
    )
select
    count(*) filter (where not is_misencoded) as rejects,
    count(*) filter (where is_misencoded) as misencoded
from lines
