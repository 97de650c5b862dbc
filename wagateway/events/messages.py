"""What is told of messages: the payloads of their events."""

import msgspec

from wagateway.events.parts import (
    ContactCard,
    FileLink,
    Listing,
    Location,
    MediaObject,
    Mention,
    Order,
    Poll,
    PollVote,
    Referral,
)


class MessageFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the event of every message has: which, where, from whom and when.

    JIDs have no device part; beside each that could be a LID stands the LID where it is known. The last
    group of fields repeats others under the names of the guide; `content` is "" for what has no text.
    """

    id: str
    chat_id: str
    chat_lid: str = ""
    sender: str = msgspec.field(name="from")
    from_lid: str = ""
    sender_display_name: str
    from_name: str = ""
    timestamp: str
    is_from_me: bool
    kind: str

    message_id: str
    chat_jid: str
    sender_jid: str = msgspec.field(name="sender")
    content: str


class MessagePayload(MessageFacts, frozen=True, kw_only=True, omit_defaults=True):
    """A message of any kind but those below.

    `body` is what a person wrote or chose: the text, a caption, the text of a button. `expiration` is the
    chat's disappearing timer in seconds. A file stands under the name of its kind as a path, or as an
    object when there is more to say, and always in `media`.
    """

    body: str = ""
    chosen_id: str = ""
    replied_to_id: str = ""
    quoted_body: str = ""
    quoted_sender: str = ""
    quoted_sender_lid: str = ""
    target_id: str = ""
    mentions: list[Mention] = []
    view_once: bool = False
    forwarded: bool = False
    ephemeral: bool = False
    expiration: int = 0
    referral: Referral | None = None

    contact: ContactCard | None = None
    contacts_array: list[ContactCard] = []
    location: Location | None = None
    live_location: Location | None = None
    listing: Listing | None = msgspec.field(name="list", default=None)
    order: Order | None = None
    interactive: str = ""
    interactive_media: list[str] = []
    poll: Poll | None = None

    media: MediaObject | None = None
    image: str | FileLink = ""
    video: str | FileLink = ""
    video_note: str | FileLink = ""
    audio: str | FileLink = ""
    document: str | FileLink = ""
    sticker: str | FileLink = ""


class ReactionPayload(MessageFacts, frozen=True, kw_only=True, omit_defaults=True):
    """A reaction to a message; the empty one takes an earlier one back."""

    reaction: str
    reacted_message_id: str


class EditedPayload(MessageFacts, frozen=True, kw_only=True, omit_defaults=True):
    """A new text for a message; without `body` it could not be read."""

    original_message_id: str
    body: str = ""
    mentions: list[Mention] = []


class RevokedPayload(MessageFacts, frozen=True, kw_only=True, omit_defaults=True):
    """A message deleted for everyone; `revoked_from_me` is told as by whoever deleted it.

    `revoked_sender` is who had written the message: in a group an administrator can delete those of others.
    """

    revoked_message_id: str
    revoked_from_me: bool
    revoked_chat: str
    revoked_chat_lid: str = ""
    revoked_sender: str = ""
    revoked_sender_lid: str = ""


class VotePayload(MessageFacts, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody votes in a poll, or changes or withdraws a vote."""

    poll_vote: PollVote


class UndecryptablePayload(MessageFacts, frozen=True, kw_only=True, omit_defaults=True):
    """A message that could not be decrypted; the sender's phone is asked to send it again.

    An `unavailable` one was never sent to linked devices, such as a photo that can be viewed once. When it
    comes after all, it is told as what it is.
    """

    unavailable: bool = False


class StatePayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a message of ours came: `status` as in `GET /message/{id}/status`, `reason` why it failed.

    In a group `delivered` means to anybody, `read` by everybody who has it. What came from another device
    of the account is told from `delivered` on.
    """

    id: str
    chat_id: str
    chat_lid: str = ""
    status: str
    reason: str = ""


class AckPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody has got, read or played messages; `receipt_type` is an engine's ReceiptKind."""

    ids: list[str]
    chat_id: str
    chat_lid: str = ""
    sender: str = msgspec.field(name="from")
    from_lid: str = ""
    sender_display_name: str
    receipt_type: str
    receipt_type_description: str
    timestamp: str


class MediaPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file of a message is there now, or will not come for `reason`; `size` is in bytes."""

    media_id: str
    message_id: str
    chat_id: str
    chat_lid: str = ""
    path: str = ""
    mime_type: str = ""
    size: int = 0
    reason: str = ""


class UnreadPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something WhatsApp sent that this version could not read: `raw` is base64.

    With an `id` it is the content of that message (an `E2E.Message`), else an engine event of kind `code`.
    """

    raw: str
    code: int = 0
    id: str = ""
    chat_id: str = ""
    sender: str = msgspec.field(name="from", default="")
    timestamp: str = ""
    is_from_me: bool = False
