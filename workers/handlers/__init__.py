"""What a worker answers."""

from workers.handlers import (
    app,
    calls,
    chat_actions,
    chats,
    events,
    groups,
    internal,
    media,
    messages,
    newsletters,
    sending,
    users,
    webhooks,
)

MODULES = (
    app,
    calls,
    chat_actions,
    chats,
    events,
    groups,
    internal,
    media,
    messages,
    newsletters,
    sending,
    users,
    webhooks,
)
"""Where the handlers are."""
