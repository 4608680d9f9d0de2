-- Purpose: store commits with the paths they touched; a known commit is replaced.
-- Grain:   a row per commit in `incoming`, numbered from 1 by position, with its paths in `incoming_changes`.
-- Units:   aware UTC.
-- Parameters: none.

insert into commits
select
    (select coalesce(max(commit_seq), 0) from commits) + position,
    repository,
    sha,
    parent_sha,
    committed_at,
    author
from incoming
on conflict (repository, sha) do update
set
    parent_sha = excluded.parent_sha,
    committed_at = excluded.committed_at,
    author = excluded.author;

delete from commit_changes
where commit_seq in (select commit_seq from incoming join commits using (repository, sha));

insert into commit_changes
select
    commits.commit_seq,
    incoming_changes.path,
    incoming_changes.added,
    incoming_changes.deleted,
    incoming_changes.status,
    incoming_changes.previous_path
from incoming_changes
join incoming using (position)
join commits using (repository, sha);
