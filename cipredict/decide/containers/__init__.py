"""Container builds: what instructions read, how often that changes, what history would rebuild, rewrites."""
