-- Purpose: the commits made by a time, each with the paths it touched.
-- Grain:   a row per commit and path, ordered by committed_at, sha, path; a commit that touched nothing has one row
--          with a null path.
-- Units:   added, deleted lines, null for binary files; aware UTC.
-- Parameters: $as_of.

select
    commits.repository,
    commits.sha,
    commits.parent_sha,
    commits.committed_at,
    commits.author,
    commit_changes.path,
    commit_changes.added,
    commit_changes.deleted,
    commit_changes.status,
    commit_changes.previous_path
from commits
left join commit_changes using (commit_seq)
where commits.committed_at <= $as_of
order by
    commits.committed_at,
    commits.sha,
    commits.repository,
    commit_changes.path
