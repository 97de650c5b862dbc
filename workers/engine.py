"""The engine as the rest of the worker sees it: what it can do, and what it tells."""

from pathlib import Path
from typing import Literal, Protocol

import msgspec

from wagateway.contract import Problem
from wagateway.whatsapp.protos import E2E

Change = Literal[
    "connecting", "connected", "disconnected", "logged_out", "replaced", "banned", "outdated", "ended"
]


ChatState = Literal["composing", "recording", "paused"]


class Uncertain(Problem):
    """`Engine.send` ended without an answer: WhatsApp may have the message, so nobody sends it again.

    Every other `Problem` that a send raises means that WhatsApp has not got it. `why` is a clause.
    """

    def __init__(self, why: str) -> None:
        super().__init__(
            503,
            "OUTCOME_UNKNOWN",
            f"{why}; whether WhatsApp has the message is not known. It is not sent again by itself",
        )


class Sent(msgspec.Struct, frozen=True):
    """WhatsApp acknowledged a message; `timestamp` is Unix seconds, JIDs have no device part."""

    message_id: str
    timestamp: int


MediaKind = Literal["image", "video", "audio", "document", "thumbnail"]
"""What a file is encrypted as: stickers are images, voice notes audio, previews of links thumbnails."""


class Uploaded(msgspec.Struct, frozen=True):
    """Where WhatsApp keeps an uploaded file, and how it is encrypted; keys and digests are 32 bytes."""

    url: str
    direct_path: str
    media_key: bytes
    file_sha256: bytes
    file_enc_sha256: bytes
    file_length: int


ReceiptKind = Literal["delivered", "read", "played", "read-self", "played-self"]
"""The last two come from another device of our own account, about messages of others."""


class IncomingReceipt(msgspec.Struct, frozen=True):
    """A receipt for some messages of one chat; JIDs and LIDs as in `IncomingMessage`.

    `sender` is who has the messages, `timestamp` Unix milliseconds.
    """

    ids: list[str]
    kind: ReceiptKind
    chat: str
    chat_lid: str
    sender: str
    sender_lid: str
    timestamp: int
    is_group: bool


class IncomingMessage(msgspec.Struct, frozen=True):
    """One message as the engine decrypted it; JIDs have no device part.

    `chat` and `sender` are phone JIDs where the engine knows them, `chat_lid` and `sender_lid` the LIDs
    ("" when unknown). `timestamp` is Unix milliseconds. `content` is the serialised `E2E.Message`, out of
    its wrappers: `ephemeral`, `view_once` and `edit` tell which there were.
    """

    id: str
    chat: str
    chat_lid: str
    sender: str
    sender_lid: str
    push_name: str
    timestamp: int
    is_from_me: bool
    is_group: bool
    content: bytes
    ephemeral: bool = False
    view_once: bool = False
    edit: bool = False


class ConnectionChange(msgspec.Struct, frozen=True):
    """The connection to WhatsApp changed; `reason` is a stable word or "", `until` Unix seconds of a ban."""

    change: Change
    reason: str = ""
    until: int = 0


class QrShown(msgspec.Struct, frozen=True):
    """A code to scan; the engine renews it: `expires_at` is Unix seconds, `attempt` counts from 1."""

    code: str
    expires_at: float
    attempt: int


class EngineEvents(Protocol):
    """What the engine calls, on its own thread; each call returns when what it told is safe."""

    def message(self, message: IncomingMessage) -> None:
        """Returns when the message is committed: only then may the engine go on."""

    def receipt(self, receipt: IncomingReceipt) -> None:
        """Somebody has got, read or played messages."""

    def unread(self, code: int, raw: bytes) -> None:
        """A message-carrying event that could not be interpreted, kept raw so that nothing is lost."""

    def connection(self, change: ConnectionChange) -> None:
        """The state of the connection changed."""

    def qr(self, shown: QrShown | None) -> None:
        """A new QR code, or None when there will be no more."""

    def paired(self, jid: str, lid: str, name: str) -> None:
        """The device belongs to this account now."""


class Engine(Protocol):
    """One WhatsApp connection. Every call raises `Problem` for what WhatsApp or the network refuse."""

    async def connect(self) -> None:
        """Dial WhatsApp: log in with the stored session, or wait for pairing. Returns at once."""

    async def stop(self) -> None:
        """Disconnect cleanly; nothing can be called afterwards."""

    async def pair_code(self, phone: str) -> str:
        """The pairing code (ABCD-EFGH) for the number `phone` (digits)."""

    async def unlink(self) -> None:
        """Log out of WhatsApp and forget the session."""

    async def send(self, chat: str, message: E2E.Message) -> Sent:
        """Send to the chat and wait for WhatsApp's acknowledgement; sends leave in the order of calls.

        Raises `Uncertain` when it may have been sent, any other `Problem` when it was not.
        """

    async def upload(self, file: Path, kind: MediaKind, chat: str) -> Uploaded:
        """Encrypt and upload a file for a message to the chat; the file is read, not kept."""

    async def set_presence(self, *, available: bool) -> None:
        """Show the account as online or offline."""

    async def set_chat_presence(self, chat: str, state: ChatState) -> None:
        """Show in the chat what the account is doing."""

    async def group_members(self, group: str) -> list[str]:
        """The JIDs of a group's participants."""

    async def own_jid(self) -> tuple[str, str, str]:
        """The account's phone JID, LID and display name; ("", "", "") when not paired."""
