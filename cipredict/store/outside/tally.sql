-- Purpose: say what became of the rows of somebody else's table.
-- Grain:   one row.
-- Units:   cases_s seconds; started_at aware UTC.
-- Parameters: none. `rows.sql`, `runs.sql` and `cases.sql` went before.

select
    count(*) as rows,
    count(*) filter (where problem is null) as usable,
    count(*) filter (where problem = 'no run') as without_run,
    count(*) filter (where problem = 'no case') as without_case,
    count(*) filter (where problem = 'unknown verdict') as without_verdict,
    array_to_string(list(distinct word order by word) filter (where problem = 'unknown verdict'), ', ') as unknown_words,
    count(*) filter (where problem = 'no time or no duration') as without_measure,
    count(*) filter (where problem is null and has_duration and duration_s is null) as odd_durations,
    count(*) filter (where problem is null and has_start and started_at is null) as odd_starts,
    coalesce(any_value(counted.runs), 0) as runs,
    coalesce(any_value(counted.cases), 0) as cases,
    count(*) filter (where problem is null and verdict in ('failed', 'error')) as failed,
    count(*) filter (where problem is null and verdict in ('skipped')) as skipped,
    coalesce(sum(duration_s) filter (where problem is null), 0) as cases_s
from table_rows
cross join (
    select
        (select count(*) from run_rows) as runs,
        (select count(*) from case_rows) as cases
) as counted
