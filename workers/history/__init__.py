"""History syncs: what the phone hands a newly linked device becomes chats, messages and names."""

from workers.history.intake import History

__all__ = ["History"]
