"""What a process says by dying: the exit codes that the supervisor decides from."""

from enum import IntEnum


class Exit(IntEnum):
    """Named exit codes; a death by signal or any other code is a crash."""

    DONE = 0
    """Asked to stop, and stopped cleanly."""
    IDLE = 10
    """A device without a session that nobody has used for a while: start it when somebody asks."""
    LOGGED_OUT = 11
    """The phone removed this device, or WhatsApp refused its session: pair again."""
    QR_TIMEOUT = 12
    """Nobody scanned the QR code in time: start again on the next login request."""
    STREAM_REPLACED = 13
    """Another client took this session over; taking it back by itself would fight for ever."""
    BANNED = 14
    """WhatsApp banned the account for a time or refused it; the last beat has the reason."""
    CLIENT_OUTDATED = 15
    """WhatsApp calls this client version too old: a new neonize is needed."""
    LEASE_HELD = 20
    """Another process runs this device: try again later."""
    SHARD_UNUSABLE = 21
    """The shard cannot be opened (corrupt, or written by a newer version): needs a person."""
    MISUSED = 64
    """Bad flags, settings or environment: starting again cannot help."""
    ENGINE_ENDED = 75
    """The engine's event pump ended unasked: a new process is the cure."""


PARKS = frozenset(
    {
        Exit.IDLE,
        Exit.LOGGED_OUT,
        Exit.QR_TIMEOUT,
        Exit.STREAM_REPLACED,
        Exit.BANNED,
        Exit.CLIENT_OUTDATED,
        Exit.SHARD_UNUSABLE,
    }
)
"""Exits after which a worker is not restarted until somebody asks for it."""
