"""Cache keys: which design pays, what one run's key is, what a provider makes of it. Pure."""
