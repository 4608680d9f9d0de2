-- Purpose: store commits with the paths they touched; a known commit is replaced.
-- Grain:   a row per record in `incoming`; of two with one key the later wins. Paths in `incoming_changes`.
-- Units:   aware UTC.
-- Parameters: none.

create or replace temp table staged as
select
    repository,
    sha,
    arg_max(parent_sha, position) as parent_sha,
    arg_max(committed_at, position) as committed_at,
    arg_max(author, position) as author,
    max(position) as position
from incoming
group by all;

update commits
set
    parent_sha = staged.parent_sha,
    committed_at = staged.committed_at,
    author = staged.author
from staged
where
    commits.repository = staged.repository
    and commits.sha = staged.sha;

insert into commits
select
    (select coalesce(max(commit_seq), 0) from commits) + row_number() over (order by committed_at, sha),
    repository,
    sha,
    parent_sha,
    committed_at,
    author
from staged
anti join commits using (repository, sha);

delete from commit_changes
where commit_seq in (select commit_seq from staged join commits using (repository, sha));

insert into commit_changes
select
    commits.commit_seq,
    incoming_changes.path,
    incoming_changes.added,
    incoming_changes.deleted,
    incoming_changes.status,
    incoming_changes.previous_path
from staged
join commits using (repository, sha)
join incoming_changes using (position);

drop table staged;
