"""The learners of an ensemble, one per file, behind one protocol."""
