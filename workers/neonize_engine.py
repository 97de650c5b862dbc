"""The engine on the real neonize: the threads that call into its client."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog

from wagateway.contract import DEADLINE, Problem
from wagateway.problems import not_begun
from wagateway.whatsapp.protos import E2E
from workers.engine import ChatState, EngineEvents, Feature, GroupNews, MediaKind, Patch, Sent, Uploaded
from workers.facts import (
    ContactFacts,
    GroupFacts,
    GroupMember,
    JoinRequestFacts,
    MemberAction,
    NewsletterFacts,
    PictureFacts,
    PostFacts,
    PrivacyFacts,
    RegistrationFacts,
    UserFacts,
)
from workers.neonize_client import Client, Orders
from workers.neonize_groups import Groups
from workers.neonize_newsletters import Newsletters
from workers.neonize_people import People
from workers.session import NOBODY
from workers.unsupported import unsupported

P = ParamSpec("P")
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
        self._client = Client(orders, events, self._swollen)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._collecting: asyncio.TimerHandle | None = None
        # whatsmeow sends one message at a time: more threads would only lose the order.
        self._sends = ThreadPoolExecutor(1, "sends")
        self._uploads = ThreadPoolExecutor(2, "uploads")
        # A question that WhatsApp does not answer holds its thread for 75 s; signals, and what asks nobody,
        # must not wait for that.
        self._queries = ThreadPoolExecutor(2, "queries")
        self._signals = ThreadPoolExecutor(2, "signals")
        self._control = ThreadPoolExecutor(1, "control")

    async def connect(self) -> None:
        """Dial WhatsApp: log in with the stored session, or wait for pairing. Returns at once."""
        self._loop = asyncio.get_running_loop()
        self._client.start()

    async def stop(self) -> None:
        """Disconnect cleanly; nothing can be called afterwards."""
        self._client.stops()
        if not self._client.made:
            return
        calls = self._client.calls
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await _on(self._control, calls.disconnect)
                await self._client.quiet()
                await _on(self._control, calls.stop)
        except TimeoutError:  # a call that WhatsApp does not answer holds the thread; the process ends anyway
            log.warning("engine.stop_timed_out")

    async def pair_code(self, phone: str) -> str:
        """The pairing code (ABCD-EFGH) for the number `phone` (digits)."""
        return await _on(self._control, self._client.calls.pair_code, phone)

    async def unlink(self) -> None:
        """Log out of WhatsApp and forget the session."""
        await _on(self._control, self._client.calls.unlink)
        self._client.identity = NOBODY
        await self.stop()

    async def send(self, chat: str, message: E2E.Message) -> Sent:
        """Send to the chat and wait for WhatsApp's acknowledgement; sends leave in the order of calls.

        Cancelled before its turn, the message is not sent.
        """
        return await _on(self._sends, self._client.calls.send, chat, message.SerializeToString())

    async def upload(self, file: Path, kind: MediaKind, chat: str) -> Uploaded:
        """Encrypt and upload a file for a message to the chat; the file is read, not kept."""
        uploaded = await _on(self._uploads, self._client.calls.upload, file, kind, chat)
        if uploaded.file_length >= _LARGE_UPLOAD:
            self._collect_soon(asyncio.get_running_loop())
        return uploaded

    async def set_presence(self, *, available: bool) -> None:
        """Show the account as online or offline."""
        await _on(self._signals, self._client.calls.set_presence, available=available)

    async def set_chat_presence(self, chat: str, state: ChatState) -> None:
        """Show in the chat what the account is doing."""
        await _on(self._signals, self._client.calls.set_chat_presence, chat, state)

    async def mark_read(self, chat: str, sender: str, ids: list[str], played: bool = False) -> None:
        """Tell `sender` that their messages were read (or played); in a group `sender` is the author."""
        await _on(self._signals, self._client.calls.mark_read, chat, sender, ids, played=played)

    async def reject_call(self, caller: str, call_id: str) -> None:
        """Reject an incoming call."""
        named = self._client.caller(call_id, caller)
        await _on(self._signals, self._client.calls.reject_call, named, call_id)

    async def own_jid(self) -> tuple[str, str, str]:
        """The account's phone JID, LID and display name; ("", "", "") when not paired."""
        if self._client.open:
            self._client.identity = await _on(self._signals, self._client.calls.identity)
        return self._client.identity

    def require(self, feature: Feature) -> None:
        """Raises 501 `ENGINE_UNSUPPORTED`: neonize has none of them."""
        raise unsupported(feature)

    async def change_app_state(self, patch: Patch) -> None:
        """Raises 501 `ENGINE_UNSUPPORTED`."""
        self.require("app_state")

    async def group_members(self, group: str) -> list[str]:
        """The JIDs of a group's participants."""
        return await _on(self._queries, self._groups.members, group)

    async def group(self, group: str) -> GroupFacts:
        """A group that the account is in."""
        return await _on(self._queries, self._groups.one, group)

    async def groups(self) -> list[GroupFacts]:
        """All groups that the account is in."""
        return await _on(self._queries, self._groups.all)

    async def group_news(self) -> list[GroupNews]:
        """Names and timers of all groups that the account is in."""
        return await _on(self._queries, self._groups.news)

    async def create_group(self, name: str, members: list[str]) -> GroupFacts:
        """Create a group; who cannot be added has an `error` among its members."""
        return await _on(self._queries, self._groups.create, name, members)

    async def leave_group(self, group: str) -> None:
        """Leave a group."""
        await _on(self._queries, self._groups.leave, group)

    async def group_link(self, group: str, *, reset: bool) -> str:
        """The invite link of a group, made anew with `reset`."""
        return await _on(self._queries, self._groups.link, group, reset=reset)

    async def group_of_link(self, code: str) -> GroupFacts:
        """The group that the code of an invite link is for."""
        return await _on(self._queries, self._groups.of_link, code)

    async def join_group(self, code: str) -> str:
        """Join a group by the code of its invite link; its JID."""
        return await _on(self._queries, self._groups.join, code)

    async def change_members(self, group: str, action: MemberAction, members: list[str]) -> list[GroupMember]:
        """Change members of a group; what became of each, in WhatsApp's order."""
        return await _on(self._queries, self._groups.change_members, group, action, members)

    async def join_requests(self, group: str) -> list[JoinRequestFacts]:
        """Who asks to join a group."""
        return await _on(self._queries, self._groups.requests, group)

    async def set_group_name(self, group: str, name: str) -> None:
        """Rename a group."""
        await _on(self._queries, self._groups.set_name, group, name)

    async def set_group_topic(self, group: str, topic: str) -> None:
        """Set the description of a group; "" removes it."""
        await _on(self._queries, self._groups.set_topic, group, topic)

    async def set_group_locked(self, group: str, *, locked: bool) -> None:
        """Let only administrators change the group's name, picture and topic."""
        await _on(self._queries, self._groups.set_locked, group, locked=locked)

    async def set_group_announce(self, group: str, *, announce: bool) -> None:
        """Let only administrators write."""
        await _on(self._queries, self._groups.set_announce, group, announce=announce)

    async def set_group_photo(self, group: str, jpeg: bytes) -> str:
        """Set the picture of a group (empty: remove it); its id."""
        return await _on(self._queries, self._groups.set_photo, group, jpeg)

    async def set_timer(self, group: str, seconds: int) -> None:
        """Set the disappearing timer of a group."""
        await _on(self._queries, self._groups.set_timer, group, seconds)

    async def users(self, jids: list[str]) -> list[UserFacts]:
        """What WhatsApp tells of these people; who is not on WhatsApp is left out."""
        return await _on(self._queries, self._people.users, jids)

    async def registered(self, number: str) -> RegistrationFacts:
        """Whether a phone number (digits) is on WhatsApp."""
        return await _on(self._queries, self._people.registered, number)

    async def picture(self, jid: str, *, preview: bool, community: bool) -> PictureFacts | None:
        """The picture of somebody or of a group; None when there is none, or it is not shown to us."""
        return await _on(self._queries, self._people.picture, jid, preview=preview, community=community)

    async def set_picture(self, jpeg: bytes) -> None:
        """Set the account's own picture."""
        await _on(self._queries, self._people.set_picture, jpeg)

    async def set_push_name(self, name: str) -> None:
        """Set the name that the account shows to others."""
        await _on(self._queries, self._people.set_push_name, name)

    async def privacy(self) -> PrivacyFacts:
        """The account's privacy settings."""
        return await _on(self._queries, self._people.privacy)

    async def set_privacy(self, name: str, value: str) -> PrivacyFacts:
        """Change one of them (named as in `PrivacyFacts`); all of them afterwards."""
        return await _on(self._queries, self._people.set_privacy, name, value)

    async def contacts(self) -> list[ContactFacts]:
        """The session's address book."""
        return await _on(self._signals, self._people.contacts)

    async def contact(self, jid: str) -> ContactFacts | None:
        """Somebody in it; None when they are not."""
        return await _on(self._signals, self._people.contact, jid)

    async def blocked(self) -> list[tuple[str, str]]:
        """JID and LID of whom the account has blocked."""
        return await _on(self._queries, self._people.blocked)

    async def set_blocked(self, jid: str, *, blocked: bool) -> list[tuple[str, str]]:
        """Block or unblock somebody; whom the account has blocked afterwards."""
        return await _on(self._queries, self._people.set_blocked, jid, blocked=blocked)

    async def identities(self, jid: str) -> tuple[str, str]:
        """The phone JID and the LID of somebody by either, "" where WhatsApp does not tell."""
        return await _on(self._queries, self._people.identities, jid)

    async def newsletters(self) -> list[NewsletterFacts]:
        """The newsletters that the account follows or owns."""
        return await _on(self._queries, self._newsletters.all)

    async def newsletter(self, jid: str) -> NewsletterFacts:
        """A newsletter."""
        return await _on(self._queries, self._newsletters.one, jid)

    async def newsletter_of_invite(self, code: str) -> NewsletterFacts:
        """The newsletter that the code of an invite link is for."""
        return await _on(self._queries, self._newsletters.of_invite, code)

    async def newsletter_posts(self, jid: str, count: int, before: int) -> list[PostFacts]:
        """Posts before the one with this server id (0: the newest), oldest first."""
        return await _on(self._queries, self._newsletters.posts, jid, count, before)

    async def follow_newsletter(self, jid: str, *, follow: bool) -> None:
        """Follow or unfollow a newsletter."""
        await _on(self._queries, self._newsletters.follow, jid, follow=follow)

    async def mute_newsletter(self, jid: str, *, muted: bool) -> None:
        """Want notice of its posts no more, or again."""
        await _on(self._queries, self._newsletters.mute, jid, muted=muted)

    @property
    def _groups(self) -> Groups:
        return Groups(self._client.calls)

    @property
    def _people(self) -> People:
        return People(self._client.calls)

    @property
    def _newsletters(self) -> Newsletters:
        return Newsletters(self._client.calls)

    def _swollen(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._collect_soon, self._loop)

    def _collect_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give the memory of large things back once there has been none for a while."""
        if self._collecting is not None:
            self._collecting.cancel()
        self._collecting = loop.call_later(_COLLECT_SECONDS, self._control.submit, self._collect)

    def _collect(self) -> None:
        with contextlib.suppress(Problem):  # not connected any more: then there is nothing to give back
            self._client.calls.collect()


async def _on(threads: ThreadPoolExecutor, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the call returns; raises 504, and does not call, when its turn comes after its deadline."""
    deadline = DEADLINE.get()

    def in_time() -> T:
        if deadline < time.monotonic():
            raise not_begun()
        return call(*args, **kwargs)

    return await asyncio.get_running_loop().run_in_executor(threads, in_time)
