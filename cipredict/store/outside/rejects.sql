-- Purpose: count the lines of a CSV file that are no rows of it.
-- Grain:   one row. A line with two errors is one line.
-- Parameters: none.

select count(distinct line) as lines
from reject_errors
