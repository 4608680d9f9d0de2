"""The door to Prometheus: its text format as a file, or pushed to a gateway."""
