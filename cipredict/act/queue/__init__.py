"""Doors to the queue that the shards of one build share, and the rules by which a shard uses them."""
