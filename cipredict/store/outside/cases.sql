-- Purpose: show the cases of `table_rows` to `upserts/cases.sql`, in place of the runs.
-- Grain:   `incoming` a row per case.
-- Parameters: none. `runs.sql` went before.

create temp table case_rows as
select distinct case_id
from table_rows
where problem is null;

create or replace temp view incoming as
from case_rows;
