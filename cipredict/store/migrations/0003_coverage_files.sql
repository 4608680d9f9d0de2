-- Purpose: coverage formats that know files, not cases (lcov, Cobertura).
-- Units:   lines.

create table coverage_files (
    snapshot_seq integer not null,
    path varchar not null,
    covered_lines integer not null,
    valid_lines integer not null
);
comment on table coverage_files is 'A row per file that a coverage report lists, with its executed and its executable lines, as of a snapshot. It says what the suite executed, never what a case did.';
