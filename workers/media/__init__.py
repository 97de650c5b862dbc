"""The files of messages: fetched from WhatsApp, kept in the device's folder, removed in time."""

from workers.media.fetcher import Media
from workers.media.store import served_at
from workers.media.way import Way

__all__ = ["Media", "Way", "served_at"]
