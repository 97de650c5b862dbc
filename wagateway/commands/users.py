"""Commands about people, and about the account itself."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from wagateway.commands.groups import GroupInfo, Picture
from wagateway.contract import Command, Route
from wagateway.phone import Phone


class UserDevice(msgspec.Struct, frozen=True, rename="pascal"):
    """A device of somebody, under the real server's names; 0 is the phone."""

    user: str
    agent: int
    device: int
    server: str
    ad: bool = msgspec.field(name="AD")


class UserInfo(msgspec.Struct, frozen=True):
    """What WhatsApp tells of somebody; `status` is the text about themselves."""

    name: str
    verified_name: str
    status: str
    picture_id: str
    devices: list[UserDevice]


class UserInfos(msgspec.Struct, frozen=True):
    """The answer of the real server: a list of one, which the guide has without the list."""

    data: list[UserInfo]
    resolved_phone: str
    resolved_lid: str
    verified_name: str
    status: str
    picture_id: str
    devices: list[UserDevice]


class GetUserInfo(Command[UserInfos], frozen=True, kw_only=True):
    """Get what WhatsApp tells of somebody; `phone` may be a LID."""

    routes: ClassVar = (Route("GET", "/user/info"),)
    done: ClassVar = "Success get user info"
    phone: Phone


class Avatar(msgspec.Struct, frozen=True):
    """A picture on WhatsApp's servers; `type` is `image` or `preview`."""

    url: str
    id: str
    type: str


class GetAvatar(Command[Avatar], frozen=True, kw_only=True):
    """Get the picture of somebody or of a group."""

    routes: ClassVar = (Route("GET", "/user/avatar"),)
    done: ClassVar = "Success get avatar"
    phone: Phone
    is_preview: bool = False
    is_community: bool = False


class SetAvatar(Command[None], frozen=True, kw_only=True):
    """Set the account's own picture, uploaded as `avatar` (JPEG, PNG, WebP)."""

    routes: ClassVar = (Route("POST", "/user/avatar"),)
    done: ClassVar = "Success change avatar"
    avatar: Picture


class SetPushName(Command[None], frozen=True, kw_only=True):
    """Set the name that the account shows to others."""

    routes: ClassVar = (Route("POST", "/user/pushname"),)
    done: ClassVar = "Success change push name"
    push_name: Annotated[str, Meta(min_length=1, max_length=25)]


class PrivacySettings(msgspec.Struct, frozen=True):
    """Who may see or do what; "" where neonize does not know WhatsApp's word."""

    group_add: str
    last_seen: str
    status: str
    profile: str
    read_receipts: str
    online: str
    call_add: str


class GetPrivacy(Command[PrivacySettings], frozen=True, kw_only=True):
    """Get the account's privacy settings."""

    routes: ClassVar = (Route("GET", "/user/my/privacy"),)
    done: ClassVar = "Success get privacy"


PrivacyName = Literal["group_add", "last_seen", "status", "profile", "read_receipts", "online", "call_add"]
PrivacyValue = Literal["all", "contacts", "contact_blacklist", "none", "match_last_seen", "known"]


class SetPrivacy(Command[PrivacySettings], frozen=True, kw_only=True):
    """Change one of the account's privacy settings."""

    routes: ClassVar = (Route("POST", "/user/my/privacy"),)
    done: ClassVar = "Success change privacy"
    name: PrivacyName
    value: PrivacyValue


class GroupList(msgspec.Struct, frozen=True):
    """The groups of the account."""

    data: list[GroupInfo]


class ListGroups(Command[GroupList], frozen=True, kw_only=True):
    """List the groups that the account is in."""

    routes: ClassVar = (Route("GET", "/user/my/groups"),)
    done: ClassVar = "Success get list groups"


class Contact(msgspec.Struct, frozen=True):
    """Somebody in the address book, or who wrote; `name` is the best of the names known."""

    jid: str
    name: str
    lid: str
    full_name: str
    push_name: str
    business_name: str


class ContactList(msgspec.Struct, frozen=True):
    """The contacts of the account, by name."""

    data: list[Contact]


class ListContacts(Command[ContactList], frozen=True, kw_only=True):
    """List the contacts: the account's address book, and who has written to it."""

    routes: ClassVar = (Route("GET", "/user/my/contacts"),)
    done: ClassVar = "Success get list contacts"


class Registration(msgspec.Struct, frozen=True):
    """Whether a number is on WhatsApp, and as whom."""

    is_on_whatsapp: bool
    jid: str
    lid: str
    verified_name: str


class CheckUser(Command[Registration], frozen=True, kw_only=True):
    """Ask whether a number is on WhatsApp; when WhatsApp does not answer, that is an error and no "no"."""

    routes: ClassVar = (Route("GET", "/user/check"),)
    done: ClassVar = "Success check user"
    phone: Phone


class Identities(msgspec.Struct, frozen=True):
    """Both JIDs of somebody; "" where WhatsApp does not tell."""

    phone: str
    lid: str


class GetIdentities(Command[Identities], frozen=True, kw_only=True):
    """Get the LID of a phone number, or the phone number of a LID."""

    routes: ClassVar = (Route("GET", "/user/lid"),)
    done: ClassVar = "Success get identities"
    phone: Phone


class BlockList(msgspec.Struct, frozen=True):
    """Whom the account has blocked."""

    data: list[Identities]


class GetBlocked(Command[BlockList], frozen=True, kw_only=True):
    """List whom the account has blocked."""

    routes: ClassVar = (Route("GET", "/user/my/blocklist"),)
    done: ClassVar = "Success get blocklist"


class BlockUser(Command[BlockList], frozen=True, kw_only=True):
    """Block somebody."""

    routes: ClassVar = (Route("POST", "/user/block"),)
    done: ClassVar = "Success block user"
    phone: Phone


class UnblockUser(Command[BlockList], frozen=True, kw_only=True):
    """Unblock somebody."""

    routes: ClassVar = (Route("POST", "/user/unblock"),)
    done: ClassVar = "Success unblock user"
    phone: Phone


class BusinessCategory(msgspec.Struct, frozen=True):
    """What a business calls its trade."""

    id: str
    name: str


class BusinessHours(msgspec.Struct, frozen=True):
    """When a business is open on a day; times are minutes or texts as WhatsApp has them."""

    day_of_week: str
    mode: str
    open_time: str
    close_time: str


class BusinessProfile(msgspec.Struct, frozen=True):
    """The profile of a business account."""

    jid: str
    email: str
    address: str
    categories: list[BusinessCategory]
    profile_options: dict[str, str]
    business_hours_timezone: str
    business_hours: list[BusinessHours]


class GetBusinessProfile(Command[BusinessProfile], frozen=True, kw_only=True):
    """Get the profile of a business account.

    neonize cannot do it: it is answered with 501 `ENGINE_UNSUPPORTED`.
    """

    routes: ClassVar = (Route("GET", "/user/business-profile"),)
    done: ClassVar = "Success get business profile"
    phone: Phone
