"""The objects that a message's event can have beside its text."""

import msgspec


class Location(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place in degrees, under WhatsApp's own names; `caption` and below are said of live ones only."""

    latitude: float = msgspec.field(name="degreesLatitude")
    longitude: float = msgspec.field(name="degreesLongitude")
    name: str = ""
    address: str = ""
    url: str = msgspec.field(name="URL", default="")
    comment: str = ""
    accuracy: int = msgspec.field(name="accuracyInMeters", default=0)
    speed: float | None = msgspec.field(name="speedInMps", default=None)
    heading: int = msgspec.field(name="degreesClockwiseFromMagneticNorth", default=0)
    thumbnail: bytes = msgspec.field(name="JPEGThumbnail", default=b"")
    caption: str = ""
    sequence: int = msgspec.field(name="sequenceNumber", default=0)
    time_offset: int = msgspec.field(name="timeOffset", default=0)


class ContactCard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A contact that somebody sent; `phone_number` is the first one of its vCard, digits only."""

    name: str = msgspec.field(name="displayName")
    vcard: str
    phone_number: str = ""


class ListRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One choice of a list."""

    title: str = ""
    description: str = ""
    row_id: str = msgspec.field(name="rowID", default="")


class ListSection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Choices of a list under one heading."""

    title: str = ""
    rows: list[ListRow] = []


class Listing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A list to choose from, under WhatsApp's own names."""

    title: str = ""
    description: str = ""
    button: str = msgspec.field(name="buttonText", default="")
    footer: str = msgspec.field(name="footerText", default="")
    sections: list[ListSection] = []


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order from a catalogue, under WhatsApp's own names; `total` is in thousandths of the currency."""

    order_id: str = msgspec.field(name="orderID", default="")
    title: str = msgspec.field(name="orderTitle", default="")
    message: str = ""
    items: int = msgspec.field(name="itemCount", default=0)
    status: int = 0
    surface: int = 0
    seller: str = msgspec.field(name="sellerJID", default="")
    token: str = ""
    total: int = msgspec.field(name="totalAmount1000", default=0)
    currency: str = msgspec.field(name="totalCurrencyCode", default="")
    catalog: str = msgspec.field(name="catalogType", default="")
    version: int = msgspec.field(name="messageVersion", default=0)


class Referral(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The advertisement or link that a message came from."""

    ctwa_clid: str = ""
    source_url: str = ""
    source_id: str = ""
    source_type: str = ""
    source_app: str = ""
    ref: str = ""
    ad_title: str = ""
    ad_body: str = ""
    ad_type: str = ""
    media_type: str = ""
    media_url: str = ""
    thumbnail_url: str = ""
    original_image_url: str = ""
    show_ad_attribution: bool = False
    contains_auto_reply: bool = False
    automated_greeting_message_shown: bool = False
    greeting_message_body: str = ""
    click_to_whatsapp_call: bool = False


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """A poll; with `max_answer` 0 all options may be chosen."""

    question: str
    options: list[str]
    max_answer: int = 0


class PollVote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody chooses in a poll now: all the texts, none when a vote was withdrawn.

    Without `options` the vote could not be opened, mostly because the poll is not stored here.
    """

    poll_message_id: str
    voter: str
    voter_lid: str = ""
    options: list[str] | None = None


class Mention(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody mentioned: the phone JID where it is known, and the LID."""

    jid: str
    lid: str = ""


class FileLink(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that is more than a path: `url` is where WhatsApp keeps it, encrypted."""

    path: str = ""
    url: str = ""
    caption: str = ""
    filename: str = ""


class MediaObject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file of a message: `id` is the SHA-256 of what is in it, `path` where it will be served.

    Sizes are in bytes and pixels. All but `id` is what the sender says. Without `path` it is not fetched
    by itself.
    """

    id: str
    kind: str
    mime_type: str = ""
    size: int = 0
    filename: str = ""
    path: str = ""
    seconds: int = 0
    width: int = 0
    height: int = 0
    voice: bool = False
    animated: bool = False
