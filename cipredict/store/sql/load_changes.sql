-- Purpose: the paths that the change of each known run touched.
-- Grain:   a row per run and path, ordered as load_runs, then by path. A run without rows has an empty change or an
--          unknown one: load_runs.is_change_known tells.
-- Units:   added, deleted lines, null for binary files; status is git's letter.
-- Parameters: $as_of.

with
    known_runs as (
        select
            run_seq,
            row_number() over (order by started_at, run_id, attempt, run_seq) as position
        from runs
        where known_at <= $as_of
    )
select
    run_changes.run_seq,
    run_changes.path,
    run_changes.added,
    run_changes.deleted,
    run_changes.status,
    run_changes.previous_path
from run_changes
join known_runs using (run_seq)
order by
    known_runs.position,
    run_changes.path
