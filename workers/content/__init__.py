"""What a WhatsApp message says: its kind, its text, its file and what it refers to."""

from workers.content.reading import interpret, text_of, timer_of
from workers.content.shapes import EDIT, REACTION, REVOKE, TEXT, UNKNOWN, VOTE, Content, MediaPart, Sealed
from workers.content.votes import option_texts, poll_secret, unseal

__all__ = [
    "EDIT",
    "REACTION",
    "REVOKE",
    "TEXT",
    "UNKNOWN",
    "VOTE",
    "Content",
    "MediaPart",
    "Sealed",
    "interpret",
    "option_texts",
    "poll_secret",
    "text_of",
    "timer_of",
    "unseal",
]
