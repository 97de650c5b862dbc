"""Commands to the simulated phones about calls."""
