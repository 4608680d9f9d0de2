"""The pytest plugin: deselects, orders and shards inside collection by a plan's JSON. Imports stdlib and pytest only."""
