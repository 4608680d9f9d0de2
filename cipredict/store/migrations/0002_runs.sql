-- Purpose: what an ingest from a CI system's API must remember of a run.

alter table runs add column url varchar default '';
alter table runs add column is_complete boolean default false;
comment on column runs.url is 'The page of the attempt; empty where unknown.';
comment on column runs.is_complete is 'The attempt has ended and every job of it is stored: it need not be fetched again.';
