"""Stages on the workers of a Dask cluster whose machines share the project's folder.

- `executor`  here, beside the runner: hands stages out, follows their logs, notices workers that die
- `work`      on a worker: one stage at a time per thread, as a guardian process
- `guardian`  runs the stage as the local runner does, and ends it when the worker no longer wants it, or is gone

`distributed` is imported when a cluster is opened.
"""
