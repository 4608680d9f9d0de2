"""Which entry of a full cache goes: policies, the bounds that no policy beats, and a simulator that compares them."""
