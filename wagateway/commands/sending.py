"""Commands that send a message."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from wagateway.contract import Command, Route
from wagateway.phone import Phone

Duration = Literal[0, 86400, 604800, 7776000]
"""Seconds until the message disappears: never, a day, a week, 90 days."""

MessageId = Annotated[str, Meta(min_length=1, max_length=128)]


class MessageSent(msgspec.Struct, frozen=True):
    """WhatsApp has the message; `status` repeats the envelope's sentence."""

    message_id: str
    status: str


class SendCommand(Command[MessageSent], frozen=True, kw_only=True):
    """What every command that sends a message shares.

    `idempotency_key` comes from the `Idempotency-Key` header: the same key with the same command is sent
    once and answered alike.
    """

    phone: Phone
    duration: Duration = 0
    is_forwarded: bool = False
    idempotency_key: Annotated[str, Meta(min_length=1, max_length=255)] | None = None

    def sentence(self, reply: MessageSent) -> str:
        """The status text of the reply, as the real server answers."""
        return reply.status


class SendMessage(SendCommand, frozen=True, kw_only=True):
    """Send a text message; `mentions` are phone numbers or JIDs, or `@everyone` in a group."""

    routes: ClassVar = (Route("POST", "/send/message"),)
    message: Annotated[str, Meta(min_length=1, max_length=65536)]
    reply_message_id: MessageId | None = None
    mentions: Annotated[list[Phone], Meta(max_length=1024)] = msgspec.field(default_factory=list)
