-- Purpose: the tables that hold facts.
-- Grain:   a row per table of the store, ordered by name; without schema_version, which is a fact about the file.
-- Parameters: none.

select table_name
from duckdb_tables()
where
    database_name = current_database()
    and not temporary
    and table_name <> 'schema_version'
order by table_name
