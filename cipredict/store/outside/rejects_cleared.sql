-- Purpose: forget rejected lines, so that the next file counts its own.
-- Grain:   nothing stored.
-- Parameters: none.

drop table reject_errors;
drop table reject_scans;
