-- Purpose: the history of one project's CI, forks included.
-- Units:   _s seconds, _bytes bytes, times aware UTC. Paths are POSIX, relative to the repository's root.
--
-- No foreign keys: DuckDB refuses updates of a referenced row, and every writer resolves its keys in one transaction.
-- The large tables (case_runs, changes, links) have no index either: they are replaced by batch, run or snapshot,
-- and their integer columns, stored in the order of insertion, let DuckDB skip what a filter cannot match.

create type verdict as enum ('skipped', 'passed', 'failed', 'error');
-- In order of severity, so that max() is the worst. Comparing with a literal compares text: write `in (...)`, not `>=`.

create table runs (
    run_seq integer primary key,
    provider varchar not null,
    repository varchar not null,
    run_id varchar not null,
    attempt integer not null,
    workflow varchar not null,
    sha varchar not null,
    parent_sha varchar not null,
    branch varchar not null,
    event varchar not null,
    started_at timestamptz,
    finished_at timestamptz,
    known_at timestamptz generated always as (coalesce(finished_at, started_at)),
    result varchar,
    is_change_known boolean not null,
    unique (provider, repository, run_id, attempt)
);
comment on table runs is 'A row per attempt of a CI run. started_at is null while only its reports are known; known_at is when its facts could be used. Unknown text is empty.';

create table jobs (
    run_seq integer not null,
    job_id varchar not null,
    name varchar not null,
    runner varchar not null,
    started_at timestamptz,
    finished_at timestamptz,
    queued_s double,
    result varchar,
    primary key (run_seq, job_id)
);
comment on table jobs is 'A row per job of a run. queued_s is null where the source cannot be trusted.';

create table steps (
    run_seq integer not null,
    job_id varchar not null,
    number integer not null,
    name varchar not null,
    started_at timestamptz,
    finished_at timestamptz,
    result varchar
);
comment on table steps is 'A row per step of a job, in the order of number.';

create table cases (
    case_seq integer primary key,
    case_id varchar not null unique
);
comment on table cases is 'A row per case ever named by a report, timing, coverage link or plan: the dictionary of canonical ids.';

create table batches (
    batch_seq integer primary key,
    run_seq integer not null,
    job_id varchar not null,
    source varchar not null,
    cases integer not null,
    unique (run_seq, job_id, source)
);
comment on table batches is 'A row per report file whose cases are stored; storing it again replaces its cases. job_id is empty where unknown.';

create table case_runs (
    batch_seq integer not null,
    run_seq integer not null,
    case_seq integer not null,
    verdict verdict not null,
    duration_s double,
    attempts integer not null,
    is_flaky boolean not null,
    peak_memory_bytes bigint
);
comment on table case_runs is 'A row per case and report file of a run. verdict and duration_s are of the last attempt.';

create table run_changes (
    run_seq integer not null,
    path varchar not null,
    added integer,
    deleted integer,
    status varchar not null,
    previous_path varchar
);
comment on table run_changes is 'A row per path that a run''s change touched. Line counts are null for binary files; status is git''s letter.';

create table commits (
    commit_seq integer primary key,
    repository varchar not null,
    sha varchar not null,
    parent_sha varchar not null,
    committed_at timestamptz not null,
    author varchar not null,
    unique (repository, sha)
);
comment on table commits is 'A row per commit.';

create table commit_changes (
    commit_seq integer not null,
    path varchar not null,
    added integer,
    deleted integer,
    status varchar not null,
    previous_path varchar
);
comment on table commit_changes is 'A row per path that a commit touched. Line counts are null for binary files; status is git''s letter.';

create table snapshots (
    snapshot_seq integer primary key,
    kind varchar not null,
    source varchar not null,
    recorded_at timestamptz not null,
    unique (kind, source, recorded_at)
);
comment on table snapshots is 'A row per picture taken at one time: coverage (of a file), imports (of a repository), timings (of a file).';

create table coverage_links (
    snapshot_seq integer not null,
    case_seq integer not null,
    path varchar not null,
    lines integer not null
);
comment on table coverage_links is 'A row per file that a case executed, with the number of lines, as of a snapshot.';

create table import_edges (
    snapshot_seq integer not null,
    importer varchar not null,
    imported varchar not null
);
comment on table import_edges is 'A row per import of one Python file by another of the same repository, as of a snapshot.';

create table timings (
    snapshot_seq integer not null,
    case_seq integer not null,
    duration_s double not null
);
comment on table timings is 'A row per case of a tracked timings file such as .test_durations, as of a snapshot.';

create table reports (
    source varchar primary key,
    status varchar not null,
    reason varchar not null,
    size_bytes bigint,
    sha256 varchar not null,
    cases integer not null,
    read_at timestamptz not null
);
comment on table reports is 'A row per file that was read, with what became of it: valid, suboptimal or invalid, and why.';

create table events (
    event_id varchar primary key,
    kind varchar not null,
    happened_at timestamptz not null,
    provider varchar not null,
    repository varchar not null,
    run_id varchar not null,
    attempt integer not null,
    body json not null
);
comment on table events is 'A row per event that a CI job remembered; its id is a hash of its content, so taking it in twice adds nothing. The run is named, not linked: its reports may arrive later or never.';

create table plans (
    event_id varchar primary key,
    plan_id varchar not null,
    plan_schema varchar not null,
    skips_nothing boolean not null
);
comment on table plans is 'A row per plan made in a CI job; run, time and body are in its event. skips_nothing: it observed, ordered or fell back.';

create table predictions (
    event_id varchar not null,
    case_seq integer not null,
    is_selected boolean not null,
    p_fail double,
    expected_s double
);
comment on table predictions is 'A row per case that a plan decided on. p_fail is 0 to 1; null where the plan does not say.';

create table cache_events (
    event_id varchar primary key,
    run_seq integer,
    happened_at timestamptz not null,
    cache varchar not null,
    key varchar not null,
    operation varchar not null,
    size_bytes bigint,
    duration_s double
);
comment on table cache_events is 'A row per hit, miss, save or eviction of a cache entry. run_seq is null outside CI.';

create table benchmark_samples (
    run_seq integer not null,
    benchmark varchar not null,
    metric varchar not null,
    unit varchar not null,
    sample integer not null,
    value double not null
);
comment on table benchmark_samples is 'A row per raw sample of a benchmark in a run, in the order of sample; the unit is stated because tools differ.';
