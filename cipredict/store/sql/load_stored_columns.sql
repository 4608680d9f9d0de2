-- Purpose: the columns of a table that are stored, not generated. DuckDB tells them apart in a table's definition only
--          (since 2.0 in information_schema too).
-- Grain:   a row per column, in the table's order.
-- Parameters: $table_name.

select columns.column_name
from duckdb_columns() as columns
join duckdb_tables() as tables using (database_name, schema_name, table_name)
where
    database_name = current_database()
    and table_name = $table_name
    and not regexp_matches(tables.sql, '\b' || columns.column_name || '"? [^,]*GENERATED ALWAYS AS')
order by columns.column_index
