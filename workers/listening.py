"""Who hears what the engine tells."""

import asyncio

from workers.automation import Automation
from workers.device import Device
from workers.engine import ConnectionChange, QrShown
from workers.history import History
from workers.inbound import Inbound


class Events:
    """What the engine calls on its threads: messages are stored right there, the rest goes to the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def attach(self, device: Device, automation: Automation, history: History) -> Inbound:
        """Say whose events these are: the engine is made before its device."""
        self._device = device
        inbound = Inbound(
            device.shard,
            device,
            device.head.committed,
            media_wanted=device.media.wake,
            auto_download=device.settings.auto_download_media,
            arrived=automation.arrived,
            called=automation.called,
            auto_reject_call=device.settings.auto_reject_call,
        )
        self.message = inbound.message
        self.receipt = inbound.receipt
        self.call = inbound.call
        self.group = inbound.group
        self.group_joined = inbound.group_joined
        self.chat_presence = inbound.chat_presence
        self.newsletter = inbound.newsletter
        self.undecryptable = inbound.undecryptable
        self.caught_up = device.absence.caught_up
        self.unread = inbound.unread
        self.history = history.wake
        return inbound

    def connection(self, change: ConnectionChange) -> None:
        """The state of the connection changed."""
        self._loop.call_soon_threadsafe(self._device.connection_changed, change)

    def qr(self, shown: QrShown | None) -> None:
        """A new QR code, or None when there will be no more."""
        self._loop.call_soon_threadsafe(self._device.qr_shown, shown)

    def paired(self, jid: str, lid: str, name: str) -> None:
        """The device belongs to this account now."""
        self._loop.call_soon_threadsafe(self._device.paired, jid, lid, name)
