"""One device's SQLite file: messages, chats, event log, outbox and hooks."""

from workers.shard.shard import Shard

__all__ = ["Shard"]
