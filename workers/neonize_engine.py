"""The engine on the real neonize: the threads that call into its client."""

import asyncio
import contextlib
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import structlog

from wagateway.contract import Problem
from wagateway.whatsapp.protos import E2E
from workers.engine import ChatState, EngineEvents, MediaKind, Sent, Uploaded
from workers.neonize_client import Client, Orders
from workers.session import NOBODY

T = TypeVar("T")

_STOP_SECONDS = 1.5
_LARGE_UPLOAD = 1024 * 1024  # bytes
_COLLECT_SECONDS = 1.0

log = structlog.get_logger()


class NeonizeEngine:
    """Implements `workers.engine.Engine`.

    neonize's library is loaded by `connect`, so that a worker that only reads its storage stays small.
    """

    def __init__(self, orders: Orders, events: EngineEvents) -> None:
        self._client = Client(orders, events)
        self._collecting: asyncio.TimerHandle | None = None
        # whatsmeow sends one message at a time: more threads would only lose the order.
        self._sends = ThreadPoolExecutor(1, "sends")
        self._uploads = ThreadPoolExecutor(2, "uploads")
        self._queries = ThreadPoolExecutor(2, "queries")
        self._control = ThreadPoolExecutor(1, "control")

    async def connect(self) -> None:
        """Dial WhatsApp: log in with the stored session, or wait for pairing. Returns at once."""
        self._client.start()

    async def stop(self) -> None:
        """Disconnect cleanly; nothing can be called afterwards."""
        self._client.stopping = True
        if not self._client.made:
            return
        calls = self._client.calls
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._in(self._control, calls.disconnect)
                await self._client.quiet()
                await self._in(self._control, calls.stop)
        except TimeoutError:  # a call that WhatsApp does not answer holds the thread; the process ends anyway
            log.warning("engine.stop_timed_out")

    async def pair_code(self, phone: str) -> str:
        """The pairing code (ABCD-EFGH) for the number `phone` (digits)."""
        return await self._in(self._control, functools.partial(self._client.calls.pair_code, phone))

    async def unlink(self) -> None:
        """Log out of WhatsApp and forget the session."""
        await self._in(self._control, self._client.calls.unlink)
        self._client.identity = NOBODY
        await self.stop()

    async def send(self, chat: str, message: E2E.Message) -> Sent:
        """Send to the chat and wait for WhatsApp's acknowledgement; sends leave in the order of calls.

        Cancelled before its turn, the message is not sent.
        """
        content = message.SerializeToString()
        return await self._in(self._sends, functools.partial(self._client.calls.send, chat, content))

    async def upload(self, file: Path, kind: MediaKind, chat: str) -> Uploaded:
        """Encrypt and upload a file for a message to the chat; the file is read, not kept."""
        uploaded = await self._in(
            self._uploads, functools.partial(self._client.calls.upload, file, kind, chat)
        )
        if uploaded.file_length >= _LARGE_UPLOAD:
            self._collect_soon()
        return uploaded

    async def set_presence(self, *, available: bool) -> None:
        """Show the account as online or offline."""
        await self._in(self._queries, functools.partial(self._client.calls.set_presence, available=available))

    async def set_chat_presence(self, chat: str, state: ChatState) -> None:
        """Show in the chat what the account is doing."""
        await self._in(self._queries, functools.partial(self._client.calls.set_chat_presence, chat, state))

    async def group_members(self, group: str) -> list[str]:
        """The JIDs of a group's participants."""
        return await self._in(self._queries, functools.partial(self._client.calls.group_members, group))

    async def own_jid(self) -> tuple[str, str, str]:
        """The account's phone JID, LID and display name; ("", "", "") when not paired."""
        if self._client.open:
            self._client.identity = await self._in(self._queries, self._client.calls.identity)
        return self._client.identity

    def _collect_soon(self) -> None:
        """Give the memory of uploads back once there has been none for a while."""
        if self._collecting is not None:
            self._collecting.cancel()
        loop = asyncio.get_running_loop()
        self._collecting = loop.call_later(_COLLECT_SECONDS, self._control.submit, self._collect)

    def _collect(self) -> None:
        with contextlib.suppress(Problem):  # not connected any more: then there is nothing to give back
            self._client.calls.collect()

    async def _in(self, threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, call)
