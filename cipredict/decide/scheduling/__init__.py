"""When each task starts: critical path, schedules under limited resources, bounds, simulation."""
