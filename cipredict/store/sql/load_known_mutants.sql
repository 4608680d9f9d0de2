-- Purpose: the mutants that need not run again.
-- Grain:   a row per mutant of a repository.
-- Parameters: $repository.

select mutant_id
from mutants
where repository = $repository
order by mutant_id
