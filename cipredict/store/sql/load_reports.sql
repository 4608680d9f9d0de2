-- Purpose: what became of every file that was read.
-- Grain:   a row per source, ordered by source; the last reading.
-- Units:   size_bytes bytes; aware UTC.
-- Parameters: none.

select
    source,
    status,
    reason,
    size_bytes,
    sha256,
    cases,
    read_at
from reports
order by source
