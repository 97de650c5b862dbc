"""Handlers of the commands about pictures, privacy and groups."""
