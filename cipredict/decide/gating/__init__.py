"""Quality gates: what a project demands of a change, and the decision over what was measured. Pure functions."""
