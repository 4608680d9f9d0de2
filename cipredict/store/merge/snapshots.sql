-- Purpose: store the pictures of another store; a known one is replaced.
-- Grain:   a row per snapshot, and those of its table.
-- Parameters: none. `cases.sql` went before.

insert into snapshots by name
select
    their_snapshots.* replace (
        (select coalesce(max(snapshot_seq), 0) from snapshots) + row_number() over (order by their_snapshots.snapshot_seq)
            as snapshot_seq
    )
from theirs.snapshots as their_snapshots
anti join snapshots using (kind, source, recorded_at);

create or replace temp table snapshot_numbers as
select
    their_snapshots.snapshot_seq as theirs,
    snapshots.snapshot_seq as ours
from theirs.snapshots as their_snapshots
join snapshots using (kind, source, recorded_at);

delete from coverage_links
where snapshot_seq in (select ours from snapshot_numbers);

insert into coverage_links by name
select
    coverage_links.* replace (snapshot_numbers.ours as snapshot_seq, case_numbers.ours as case_seq)
from theirs.coverage_links
join snapshot_numbers on snapshot_numbers.theirs = coverage_links.snapshot_seq
join case_numbers on case_numbers.theirs = coverage_links.case_seq
order by coverage_links.rowid;

delete from coverage_files
where snapshot_seq in (select ours from snapshot_numbers);

insert into coverage_files by name
select
    coverage_files.* replace (snapshot_numbers.ours as snapshot_seq)
from theirs.coverage_files
join snapshot_numbers on snapshot_numbers.theirs = coverage_files.snapshot_seq
order by coverage_files.rowid;

delete from import_edges
where snapshot_seq in (select ours from snapshot_numbers);

insert into import_edges by name
select
    import_edges.* replace (snapshot_numbers.ours as snapshot_seq)
from theirs.import_edges
join snapshot_numbers on snapshot_numbers.theirs = import_edges.snapshot_seq
order by import_edges.rowid;

delete from timings
where snapshot_seq in (select ours from snapshot_numbers);

insert into timings by name
select
    timings.* replace (snapshot_numbers.ours as snapshot_seq, case_numbers.ours as case_seq)
from theirs.timings
join snapshot_numbers on snapshot_numbers.theirs = timings.snapshot_seq
join case_numbers on case_numbers.theirs = timings.case_seq
order by timings.rowid;
