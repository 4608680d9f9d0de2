-- Purpose: tell whether the last scan was one of CSV, which leaves a table of rejected lines.
-- Grain:   a row if so.
-- Parameters: none.

select 1
from duckdb_tables()
where table_name = 'reject_errors'
