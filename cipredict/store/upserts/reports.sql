-- Purpose: remember what became of every file that was read; the last reading counts.
-- Grain:   a row per source in `incoming`.
-- Units:   size_bytes bytes; aware UTC.
-- Parameters: none.

insert into reports
select
    source,
    status,
    reason,
    size_bytes,
    sha256,
    cases,
    read_at
from incoming
on conflict (source) do update
set
    status = excluded.status,
    reason = excluded.reason,
    size_bytes = excluded.size_bytes,
    sha256 = excluded.sha256,
    cases = excluded.cases,
    read_at = excluded.read_at;
