-- Purpose: remember what became of every file that was read; the last reading counts.
-- Grain:   a row per reading in `incoming`; of two with one source the later wins.
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
qualify row_number() over (partition by source order by position desc) = 1
on conflict (source) do update
set
    status = excluded.status,
    reason = excluded.reason,
    size_bytes = excluded.size_bytes,
    sha256 = excluded.sha256,
    cases = excluded.cases,
    read_at = excluded.read_at;
