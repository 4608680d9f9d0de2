-- Purpose: drop what a table staged.
-- Grain:   nothing stored.
-- Parameters: none.

drop view incoming;
drop table run_rows;
drop table case_rows;
drop table incoming_changes;
drop view table_rows;
drop view outside;
