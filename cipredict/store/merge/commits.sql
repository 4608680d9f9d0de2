-- Purpose: show another store's commits to `upserts/commits.sql`.
-- Grain:   `incoming` a row per commit, `incoming_changes` a row per commit and path.
-- Parameters: none.

create or replace temp view incoming as
select
    row_number() over (order by commit_seq) as position,
    * exclude (commit_seq),
    commit_seq as their_seq
from theirs.commits;

create or replace temp view incoming_changes as
select
    incoming.position,
    commit_changes.* exclude (commit_seq)
from theirs.commit_changes
join incoming on incoming.their_seq = commit_changes.commit_seq
order by commit_changes.rowid;
