-- Purpose: the files that commits renamed, as git saw it by their content.
-- Grain:   a row per commit and renamed path, ordered by committed_at, sha, path.
-- Units:   committed_at aware UTC.
-- Parameters: $as_of.

select
    commits.committed_at,
    commits.sha,
    commit_changes.previous_path,
    commit_changes.path
from commit_changes
join commits using (commit_seq)
where
    commit_changes.status = 'R'
    and commit_changes.previous_path is not null
    and commits.committed_at <= $as_of
order by
    commits.committed_at,
    commits.sha,
    commit_changes.path
