"""Sends: each is stored before it is answered, and one with an idempotency key happens once."""

import asyncio
import hashlib
import sqlite3
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import structlog

from wagateway.commands.sending import MessageSent, SendCommand
from wagateway.contract import Problem, Upload
from wagateway.problems import outcome_unknown
from workers.engine import Uncertain
from workers.shard import Shard, keys
from workers.shard.writer import STORAGE, once_kept

T = TypeVar("T")

log = structlog.get_logger()


class Accepted(msgspec.Struct, frozen=True):
    """WhatsApp has the message: the answer, and the write that keeps it.

    The write returns the number of the last event that it made.
    """

    reply: MessageSent
    store: Callable[[sqlite3.Connection], int]


Send = Callable[[], Awaitable[Accepted]]


class Outbox:
    """The sends of one device, for the loop. After each event `committed(seq)` is called, on any thread."""

    def __init__(self, shard: Shard, committed: Callable[[int], None]) -> None:
        self._shard = shard
        self._committed = committed
        self._flying: dict[str, tuple[bytes, asyncio.Future[MessageSent]]] = {}

    async def send(self, command: SendCommand, send: Send, *, prepares: bool = False) -> MessageSent:
        """The answer to a send command; `send` does it, and is not called for a key that was used.

        With `prepares`, `send` calls `hand_over` before it gives the message to WhatsApp.

        A `Problem` of `send` means that WhatsApp has not got the message, and frees the key; an `Uncertain`
        leaves it taken. Raises 409 `IDEMPOTENCY_KEY_REUSED` for a key that was used with another command,
        503 `OUTCOME_UNKNOWN` where nobody knows whether it was sent, and 507 or 503 `SENT_NOT_STORED`.
        """
        key = command.idempotency_key
        if key is None:
            return await self.accept(await send())
        mark = fingerprint(command)
        if key in self._flying:
            return await self._follow(key, mark)
        return await self._lead(key, mark, send, prepares)

    async def accept(self, accepted: Accepted) -> MessageSent:
        """Keep what WhatsApp has; the answer. Raises 507 or 503 `SENT_NOT_STORED`."""
        await self._keep(accepted, accepted.store)
        return accepted.reply

    async def hand_over(self, command: SendCommand) -> None:
        """The message of this command is prepared; raises `Problem` when the disk cannot keep that."""
        key = command.idempotency_key
        if key is not None:
            await self.keep(lambda connection: keys.hand_over(connection, key))

    async def _follow(self, key: str, mark: bytes) -> MessageSent:
        flying_mark, answer = self._flying[key]
        if flying_mark != mark:
            raise _reused()
        return await asyncio.shield(answer)

    async def _lead(self, key: str, mark: bytes, send: Send, prepares: bool) -> MessageSent:
        answer: asyncio.Future[MessageSent] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_seen)
        self._flying[key] = (mark, answer)
        try:
            reply = await self._once(key, mark, send, prepares)
        except Problem as problem:
            answer.set_exception(problem)
            raise
        except BaseException:
            answer.set_exception(outcome_unknown())
            raise
        finally:
            del self._flying[key]
        answer.set_result(reply)
        return reply

    async def _once(self, key: str, mark: bytes, send: Send, prepares: bool) -> MessageSent:
        handed = not prepares
        taken = await self.keep(lambda connection: keys.reserve(connection, key, mark, handed=handed))
        if taken is not None:
            return _recorded(taken, mark)
        try:
            accepted = await send()
        except Uncertain:
            raise
        except Problem:
            await self.keep(lambda connection: keys.release(connection, key))
            raise
        reply = accepted.reply

        def store(connection: sqlite3.Connection) -> int:
            seq = accepted.store(connection)
            keys.record(connection, key, reply.message_id, msgspec.json.encode(reply))
            return seq

        await self._keep(accepted, store)
        return reply

    async def _keep(self, accepted: Accepted, store: Callable[[sqlite3.Connection], int]) -> None:
        try:
            await self.tell(store)
        except Problem as problem:
            message_id = accepted.reply.message_id
            log.warning("outbox.not_stored", code=problem.code, message_id=message_id)
            if problem.code not in STORAGE:
                raise
            raise Problem(
                problem.status,
                "SENT_NOT_STORED",
                "WhatsApp has the message, but the device's storage failed: do not send it again",
                result={"message_id": message_id},
            ) from problem

    async def tell(self, function: Callable[[sqlite3.Connection], int]) -> None:
        """As `keep`, for a write that returns the number of the last event that it made."""
        future = self._shard.write(function)
        # Not after the wait, which may be cancelled: the event is in the log all the same.
        once_kept(future, self._committed)
        await asyncio.shield(asyncio.wrap_future(future))

    async def keep(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Do a write to the shard, also when the caller is cancelled meanwhile."""
        # Shielded: a handler that is cancelled must not take back a write that belongs to a sent message.
        return await asyncio.shield(asyncio.wrap_future(self._shard.write(function)))


def fingerprint(command: SendCommand) -> bytes:
    """Equal for equal commands, whatever their keys.

    Only what was asked for counts, so that a field added by an upgrade changes no fingerprint.
    """
    asked = {name: value for name, value in msgspec.structs.asdict(command).items() if value}
    asked.pop("idempotency_key", None)
    for name, value in asked.items():
        if isinstance(value, Upload):
            asked[name] = value.sha256  # the same file again has another path, and may have another name
    encoded = msgspec.json.encode([type(command).__name__, asked], order="sorted")
    return hashlib.sha256(encoded).digest()


def _recorded(taken: keys.KeyRow, mark: bytes) -> MessageSent:
    if taken.fingerprint != mark:
        raise _reused()
    if not taken.reply:
        raise outcome_unknown()
    return msgspec.json.decode(taken.reply, type=MessageSent)


def _reused() -> Problem:
    return Problem(
        409,
        "IDEMPOTENCY_KEY_REUSED",
        "This Idempotency-Key was used with another request in the last 24 hours; nothing was sent",
    )


def _seen(answer: asyncio.Future[MessageSent]) -> None:
    answer.exception()  # nobody has to be waiting for it
