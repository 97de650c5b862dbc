"""Forwarding: a stored message becomes a new one to another chat."""

import sqlite3
from pathlib import Path
from typing import Any

from wagateway.commands.sending import ForwardMessage
from wagateway.phone import is_newsletter
from wagateway.problems import invalid, message_not_found
from wagateway.whatsapp.protos import E2E
from workers import content, outbound
from workers.attachments import Attachments
from workers.content import MediaPart
from workers.content.wrappers import unwrap
from workers.media import Media
from workers.shard import Shard, messages

_FETCH_SECONDS = 40.0
_PARTS = {
    "text": "extendedTextMessage",
    "image": "imageMessage",
    "video": "videoMessage",
    "video_note": "ptvMessage",
    "audio": "audioMessage",
    "voice_note": "audioMessage",
    "document": "documentMessage",
    "sticker": "stickerMessage",
}


class Forwarding:
    """What forwarding needs of a device."""

    def __init__(self, shard: Shard, media: Media, attachments: Attachments) -> None:
        self._shard = shard
        self._media = media
        self._attachments = attachments

    async def message(self, chat: str, command: ForwardMessage, context: E2E.ContextInfo) -> E2E.Message:
        """The stored message anew, marked as forwarded.

        Raises 404 `MESSAGE_NOT_FOUND`, 400 for kinds that cannot be forwarded, and what fetching the file
        raises where it must be uploaded again.
        """
        raw = await self._shard.read(lambda connection: _raw(connection, command.message_id))
        message, _ = unwrap(E2E.Message.FromString(raw))
        read = content.interpret(message)
        name = _PARTS.get(read.kind, "") if read is not None else ""
        part = _part(message, name)
        if read is None or part is None:
            raise invalid("message_id", "unsupported message type for forward")
        if read.view_once:
            raise invalid("message_id", "a view-once message cannot be forwarded")
        part.contextInfo.CopyFrom(context)
        outbound.mark_forwarded(part.contextInfo)
        if read.media is not None:
            await self._keep_reachable(chat, command, part, read.media)
        forwarded = E2E.Message()
        getattr(forwarded, name).CopyFrom(part)
        if name == "documentMessage" and part.caption:
            return E2E.Message(documentWithCaptionMessage=E2E.FutureProofMessage(message=forwarded))
        return forwarded

    async def _keep_reachable(self, chat: str, command: ForwardMessage, part: Any, media: MediaPart) -> None:
        # Files are encrypted everywhere but in newsletters: what was for the one is of no use in the other.
        fits = bool(media.media_key) != is_newsletter(chat)
        if fits and not command.force_reupload and await self._media.reachable(media.id):
            return
        file = await self._media.fetch(media.id, _FETCH_SECONDS)
        await self._attachments.again(chat, part, Path(file.path), media.encrypted_as)


def _raw(connection: sqlite3.Connection, message_id: str) -> bytes:
    found = messages.find_message(connection, message_id, None)
    if found is None:
        raise message_not_found(message_id)
    return found.raw


def _part(message: E2E.Message, name: str) -> Any:
    """What to send again; None where it is not in the message."""
    if name == "extendedTextMessage" and message.conversation:
        return E2E.ExtendedTextMessage(text=message.conversation)
    return getattr(message, name) if name and message.HasField(name) else None
