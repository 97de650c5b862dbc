"""The requests (`<iq>`) that the network answers, a module per area."""
