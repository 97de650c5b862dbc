"""What the simulated network knows: accounts, linked devices, groups, newsletters."""

import msgspec

from wagateway.sandbox.bell import Bell
from wagateway.whatsapp.stanza import Jid

MAX_DEVICE = 255
"""The highest device number that a stanza can carry."""

USER = "s.whatsapp.net"
LID = "lid"
GROUP = "g.us"
BROADCAST = "broadcast"
NEWSLETTER = "newsletter"
SERVER = Jid("", USER)
STATUS = Jid("status", BROADCAST)
"""The chat that everybody's status posts are sent to."""


class Companion(msgspec.Struct):
    """A linked device: its keys, and its one-time prekeys as (id, public key).

    `device_identity` is its signed ADV identity with the account's key put back, as others must see it.
    `greeted` is whether the phone has shared the app state key with it.
    """

    device: int
    noise: bytes
    identity: bytes
    device_identity: bytes
    platform: str
    registration: int
    signed_id: int
    signed_public: bytes
    signed_signature: bytes
    one_time: list[tuple[int, bytes]] = []
    uploaded: bool = False
    greeted: bool = False


class Collection(msgspec.Struct):
    """One app state collection: its version, and the patches that led there."""

    version: int = 0
    patches: list[bytes] = []


class Account(msgspec.Struct):
    """A WhatsApp account: a phone number, a LID, and what the server stores for it.

    `identity` is the private key that is both the account's signature key and device 0's Signal identity.
    `watchers` are the numbers that asked for its list of devices and must hear when it changes; `contacts`
    maps the numbers in its address book to full names. `blocked` are numbers. `picture` is the id of its
    picture, `business` the name that WhatsApp has verified of a business; "" where there is none.
    """

    number: str
    name: str
    lid: str
    next_device: int = 1
    watchers: set[str] = set()
    collections: dict[str, Collection] = {}
    state_key_id: bytes = b""
    state_key: bytes = b""
    privacy: dict[str, str] = {}
    blocked: list[str] = []
    contacts: dict[str, str] = {}
    about: str = "Hey there! I am using WhatsApp."
    picture: str = ""
    business: str = ""
    companions: dict[int, Companion] = {}

    def jid(self, server: str, device: int = 0) -> Jid:
        """The account's address, or a device's, on `server` (USER or LID)."""
        return Jid(self.lid if server == LID else self.number, server, device)

    def devices(self) -> list[int]:
        """The numbers of all devices; 0 is the phone."""
        return [0, *self.companions]


class Invitation(msgspec.Struct, frozen=True):
    """What lets one account into a group that it could not be added to; it ends at `expiration`."""

    number: str
    expiration: int


class Group(msgspec.Struct):
    """A group; `members` maps numbers to `superadmin`, `admin` or nothing. Times are Unix seconds.

    `requests` maps the numbers that wait to be let in to when they asked; `invitations` are by code.
    `ephemeral` is after how many seconds messages disappear, 0 for never. `invite` is the code in its link,
    `revoked` those that were. `version` counts its changes.
    """

    id: str
    subject: str
    creator: str
    created: int
    members: dict[str, str]
    subject_by: str = ""
    subject_at: int = 0
    topic: str = ""
    topic_id: str = ""
    topic_by: str = ""
    topic_at: int = 0
    locked: bool = False
    announce: bool = False
    admins_add: bool = False
    approval: bool = False
    ephemeral: int = 0
    picture: str = ""
    invite: str = ""
    revoked: list[str] = []
    requests: dict[str, int] = {}
    invitations: dict[str, Invitation] = {}
    version: int = 0

    @property
    def jid(self) -> Jid:
        """The group's address."""
        return Jid(self.id, GROUP)

    @property
    def admins(self) -> list[str]:
        """The numbers of its administrators."""
        return [number for number, role in self.members.items() if role]


class Newsletter(msgspec.Struct):
    """A newsletter; `roles` maps the numbers of those who follow it to OWNER, ADMIN or SUBSCRIBER.

    `muted` are the followers that want no notice of its posts. `created` is Unix seconds.
    """

    id: str
    name: str
    description: str
    invite: str
    created: int
    roles: dict[str, str]
    muted: set[str] = set()

    @property
    def jid(self) -> Jid:
        """The newsletter's address."""
        return Jid(self.id, NEWSLETTER)


class Post(msgspec.Struct):
    """What was posted to a newsletter: a serialized message, empty once it was revoked.

    `number` is the id that the server gave it, `id` the one its author did. `reactions` are by number.
    """

    number: int
    id: str
    author: str
    type: str
    mediatype: str
    plaintext: bytes
    posted: int
    views: int = 0
    reactions: dict[str, str] = {}


class Call(msgspec.Struct):
    """A call; `to` is the number or the group that is called, `begun` Unix seconds.

    `rejected` are the devices that have rejected it, as full JIDs. One between two ends with that.
    """

    id: str
    caller: str
    to: str
    video: bool
    begun: int
    ended: bool = False
    rejected: list[str] = []


class Endpoint(msgspec.Struct, frozen=True):
    """One device of one account, as the sender or receiver of stanzas."""

    account: Account
    device: int

    @property
    def key(self) -> tuple[str, int]:
        """What distinguishes it in tables."""
        return self.account.number, self.device

    @property
    def address(self) -> str:
        """The name of its Signal sessions."""
        return f"{self.account.lid}:{self.device}"

    def jid(self, server: str) -> Jid:
        """Its address on `server`."""
        return self.account.jid(server, self.device)

    @property
    def companion(self) -> Companion:
        """The linked device that this is."""
        return self.account.companions[self.device]


class Presences(msgspec.Struct):
    """Which accounts are available, and who wants to hear of each; lost with the process.

    The bell rings when somebody comes or goes.
    """

    available: set[str] = set()
    last_seen: dict[str, int] = {}
    subscribers: dict[str, dict[tuple[str, int], tuple[Endpoint, Jid]]] = {}
    bell: Bell = msgspec.field(default_factory=Bell)
