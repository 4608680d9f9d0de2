"""Bytes from outside into records: test reports, histories, git, coverage. Reads, never stores."""
