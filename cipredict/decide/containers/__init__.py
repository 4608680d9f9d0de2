"""Container builds: what each instruction reads, how often that changes, what a replay of history rebuilds, rewrites."""
