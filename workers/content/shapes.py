"""The structs that a message is read into."""

from typing import Literal

import msgspec

from wagateway.events.parts import ContactCard, Listing, Location, Order, Poll, Referral
from workers.engine import MediaKind

TEXT = "text"
UNKNOWN = "unknown"
REACTION = "reaction"
EDIT = "edit"
REVOKE = "revoke"
VOTE = "poll_vote"


class MediaPart(msgspec.Struct, frozen=True, kw_only=True):
    """The file of a message, as whoever downloads it must know it.

    `id` is the SHA-256 of the file in hex, `enc_sha256` that of its encrypted form (32 bytes). Both it and
    the `media_key` are empty for a file that is not encrypted. `kind` is
    image, video, video_note, audio, document or sticker. Sizes are in bytes and pixels; what the sender
    did not say is "" or 0, and nothing of it can be relied on before the file is there.
    """

    id: str
    kind: str
    encrypted_as: MediaKind
    mime_type: str
    size: int
    media_key: bytes
    enc_sha256: bytes
    direct_path: str
    url: str = ""
    filename: str = ""
    seconds: int = 0
    width: int = 0
    height: int = 0
    animated: bool = False
    voice: bool = False

    def __repr__(self) -> str:
        return f"MediaPart({self.id}, {self.kind})"  # its key opens the file for whoever has the link


class Sealed(msgspec.Struct, frozen=True):
    """What is encrypted under the secret of the message that it is about, and the IV."""

    use: Literal["vote", "edit"]
    payload: bytes
    iv: bytes


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """The readable side of a message.

    `kind` is `text` or names another kind of message; `text` is what can be searched: for a file its
    `caption`, else its name. `media_type` is the kind of its file, else "". `timer` is the chat's
    disappearing timer in seconds where the message tells it. JIDs are as the message has them, without
    device part: phone JIDs or LIDs.

    `target_id` is the message that a reaction, an edit, a revoke, a vote, a pin or a comment is about; ""
    in an edit that has the id of what it edits. `target_from_me` and `target_by` tell that message's author
    as the sender of this one sees it. `choices` are the texts of a vote, None while it is sealed.
    """

    kind: str
    text: str = ""
    caption: str = ""
    media_type: str = ""
    media: MediaPart | None = None
    target_id: str = ""
    target_from_me: bool = False
    target_by: str = ""
    quoted_id: str = ""
    quoted_text: str = ""
    quoted_by: str = ""
    mentions: tuple[str, ...] = ()
    forwarded: bool = False
    view_once: bool = False
    ephemeral: bool = False
    timer: int | None = None
    sealed: Sealed | None = None
    choices: tuple[str, ...] | None = None
    chosen_id: str = ""
    poll: Poll | None = None
    contacts: tuple[ContactCard, ...] = ()
    location: Location | None = None
    listing: Listing | None = None
    order: Order | None = None
    referral: Referral | None = None
