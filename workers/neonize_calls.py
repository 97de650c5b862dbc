"""The calls into neonize about messages and the session, each blocking: for the engine's threads."""

import ctypes
import mmap
import time
from pathlib import Path

from neonize.proto import Neonize_pb2 as pb  # type: ignore[import-untyped, unused-ignore]

from wagateway.contract import Problem
from wagateway.phone import LID, USER, is_newsletter, is_phone
from wagateway.problems import device_unavailable, invalid
from workers import refusals
from workers.engine import ChatState, MediaKind, Sent, Uploaded
from workers.neonize_events import read_identity
from workers.neonize_jids import both_of, jid_of, text_of
from workers.session import Identity

_CHROME = 1  # neonize's ClientType; the text below goes with it, or WhatsApp refuses the code
_SHOWN_AS = "Chrome (Linux)"
_MEDIA = {"image": 0, "video": 1, "audio": 2, "document": 3, "thumbnail": 6}
_JUNK_BYTES = 256 * 1024
_JUNK_ROUNDS = 160  # together they are more than the heap may grow by, so that a collection comes of them
_NUL = b"\0"  # ends a text in C
_STATES = {"composing": (0, 0), "recording": (0, 1), "paused": (1, 0)}


class Calls:
    """The library's functions on one client, named by `key`; all raise `Problem`.

    Before neonize has made the client, most of them would end the process: hence `open`, which the engine
    sets when it has heard of the client and clears when it stops it.
    """

    def __init__(self, gocode: ctypes.CDLL, key: bytes) -> None:
        self._gocode = gocode
        self._key = key
        self.open = False

    def send(self, chat: str, content: bytes) -> Sent:
        """Send a serialised `E2E.Message` and wait for the acknowledgement (at most 75 s)."""
        raw = self.ask("SendMessage", *sized(jid_of(chat)), content, len(content))
        reply = pb.SendMessageReturnFunction.FromString(raw)
        if reply.Error:
            raise refusals.of_send(reply.Error)
        return Sent(reply.SendResponse.ID, reply.SendResponse.Timestamp)

    def upload(self, file: Path, kind: MediaKind, chat: str) -> Uploaded:
        """Encrypt and upload a file that is not empty; for a newsletter, upload it as it is.

        neonize copies it into Go and encrypts it there: for a moment that takes two to three times its size.
        """
        name = "UploadNewsletter" if is_newsletter(chat) else "Upload"
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_COPY) as mapped:
            # The mapping spares a copy of our own; it must not be closed while something points into it.
            start = ctypes.c_char.from_buffer(mapped)
            address = ctypes.cast(ctypes.addressof(start), ctypes.c_char_p)
            try:
                raw = self.ask(name, address, len(mapped), _MEDIA[kind])
            finally:
                del start
        reply = pb.UploadReturnFunction.FromString(raw)
        if reply.Error:
            raise refusals.of_upload(reply.Error)
        got = reply.UploadResponse
        return Uploaded(
            url=got.url,
            direct_path=got.DirectPath,
            media_key=got.MediaKey,
            file_sha256=got.FileSHA256,
            file_enc_sha256=got.FileEncSHA256,
            file_length=got.FileLength,
        )

    def collect(self) -> None:
        """Make Go's runtime collect its garbage now, so that it gives memory back; takes some 10 ms.

        There is no call for that. What is no message is refused at once, but its bytes are copied first:
        enough of them begin a collection, which would otherwise come minutes later. In small pieces, as
        Go keeps room for half of what was in use when it collected.
        """
        junk = bytes(_JUNK_BYTES)
        for _ in range(_JUNK_ROUNDS):
            self.ask("DownloadAny", junk, len(junk))

    def set_presence(self, *, available: bool) -> None:
        """Show the account as online or offline."""
        if text := self.ask("SendPresence", b"available" if available else b"unavailable"):
            raise refusals.of_query(text.decode())

    def set_chat_presence(self, chat: str, state: ChatState) -> None:
        """Show in the chat what the account is doing."""
        if text := self.ask("SendChatPresence", *sized(jid_of(chat)), *_STATES[state]):
            raise refusals.of_query(text.decode())

    def mark_read(self, chat: str, sender: str, ids: list[str], *, played: bool) -> None:
        """Tell `sender` that their messages were read, or played; the first time asks for settings."""
        if any(not each or any(map(str.isspace, each)) for each in ids):  # they travel joined by spaces
            raise invalid("message_id", "must not be empty or contain spaces")
        text = self.ask(
            "MarkRead",
            in_c(" ".join(ids)),
            int(time.time()),
            *sized(jid_of(chat)),
            *sized(jid_of(sender)),
            b"played" if played else b"read",
        )
        if text:
            raise refusals.of_change(text.decode())

    def reject_call(self, caller: str, call_id: str) -> None:
        """Reject a call; `caller` as WhatsApp named them."""
        if text := self.ask("RejectCall", *sized(jid_of(caller)), in_c(call_id)):
            raise refusals.of_change(text.decode())

    def pair_code(self, phone: str) -> str:
        """A code (ABCD-EFGH) that links this device when typed into the phone with that number."""
        order = pb.PairPhoneParams(
            phone=phone, showPushNotification=True, clientType=_CHROME, clientDisplayName=_SHOWN_AS
        ).SerializeToString()
        reply = pb.PairPhoneReturnFunction.FromString(self.ask("PairPhone", order, len(order)))
        if reply.Error:
            raise refusals.of_query(reply.Error)
        return str(reply.Code)

    def identity(self) -> Identity:
        """The account as the session knows it now."""
        return read_identity(self.ask("GetMe"))

    def phone_of(self, lid: str) -> str:
        """The phone JID of a LID from the session's own table, "" when unknown; asks nobody."""
        if not (self.open and lid):
            return ""
        reply = pb.GetJIDFromStoreReturnFunction.FromString(self.ask("GetPNFromLID", *sized(jid_of(lid))))
        return text_of(reply.Jid) if reply.Jid.Server == USER else ""

    def lid_of(self, phone: str) -> str:
        """The LID of a phone JID from the session's own table, "" when unknown; asks nobody."""
        if not (self.open and phone):
            return ""
        reply = pb.GetJIDFromStoreReturnFunction.FromString(self.ask("GetLIDFromPN", *sized(jid_of(phone))))
        return text_of(reply.Jid) if reply.Jid.Server == LID else ""

    def who(self, jid: pb.JID, alternative: pb.JID | None) -> tuple[str, str]:
        """Somebody's JID, by phone where that is known, and LID; asks nobody."""
        known, lid = both_of(jid, alternative, self.phone_of)
        return known, lid or (self.lid_of(known) if is_phone(known) else "")

    def unlink(self) -> None:
        """Tell WhatsApp that this device is no longer linked, and delete the session."""
        if text := self.ask("Logout"):
            raise refusals.of_query(text.decode())

    def disconnect(self) -> None:
        """Close the connection; the event pump goes on with what has arrived."""
        if self.open:
            self._gocode.Disconnect(self._key)

    def stop(self) -> None:
        """Disconnect and end the event pump; there is no way back."""
        self.open = False
        self._gocode.Stop(self._key)

    def ask(self, name: str, *arguments: bytes | int | ctypes.c_char_p) -> bytes:
        """What the library's function answers, a text or a protobuf; 503 when there is no client to ask."""
        if not self.open:
            raise device_unavailable("The device is not connected to WhatsApp", retry_after=2)
        return bytes(getattr(self._gocode, name)(self._key, *arguments) or b"")


def sized(
    message: pb.JID | pb.JIDArray | pb.ReqCreateGroup | pb.GetProfilePictureParams,
) -> tuple[bytes, int]:
    """A protobuf as the library's functions take it."""
    raw = message.SerializeToString()
    return raw, len(raw)


def in_c(text: str) -> bytes:
    """A text as the library's functions take it; 400 for one that would not arrive whole."""
    raw = text.encode()
    if _NUL in raw:
        raise Problem(400, "VALIDATION_ERROR", "The text must not contain the character U+0000.")
    return raw
