-- Purpose: the columns of a table that are stored, not generated.
-- Grain:   a row per column, in the table's order.
-- Parameters: $table_name.

select column_name
from information_schema.columns
where
    table_catalog = current_database()
    and table_name = $table_name
    and is_generated is distinct from 'ALWAYS'
order by ordinal_position
