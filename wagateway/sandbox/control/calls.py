"""Handlers of the commands about calls."""
