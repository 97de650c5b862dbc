"""What the supervisor answers."""

from supervisor.handlers import devices, processes, webhooks

MODULES = (devices, processes, webhooks)
"""Where the handlers are."""
