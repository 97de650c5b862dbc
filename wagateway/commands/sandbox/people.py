"""Commands to the simulated phones about pictures, privacy and groups."""
