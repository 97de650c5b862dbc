"""The calls into neonize about people and the account itself, each blocking: for the engine's threads."""

from neonize.proto import Neonize_pb2 as pb  # type: ignore[import-untyped, unused-ignore]

from wagateway.phone import is_lid, is_person
from wagateway.problems import device_unavailable
from workers import refusals
from workers.facts import ContactFacts, PictureFacts, PrivacyFacts, RegistrationFacts, UserFacts
from workers.neonize_calls import Calls, in_c, sized
from workers.neonize_facts import contact_facts, picture, privacy_facts, registration, user_facts
from workers.neonize_jids import jid_of

_NOBODY = "returned nothing"  # neonize's error for an answer without anybody
_NO_PICTURE = ("does not have a profile picture", "hidden their profile picture")
_PRIVACY_NAMES = {
    "group_add": b"groupadd",
    "last_seen": b"last",
    "status": b"status",
    "profile": b"profile",
    "read_receipts": b"readreceipts",
    "online": b"online",
    "call_add": b"calladd",
}


class People:
    """What can be asked and changed about people and the account; all raise `Problem`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def users(self, jids: list[str]) -> list[UserFacts]:
        """What WhatsApp tells of these people; who is not on WhatsApp is left out."""
        meant = pb.JIDArray(JIDS=[jid_of(each) for each in jids])
        reply = pb.GetUserInfoReturnFunction.FromString(self._calls.ask("GetUserInfo", *sized(meant)))
        if reply.Error:
            raise refusals.of_user(reply.Error)
        told = (user_facts(each, self._calls.who) for each in reply.UsersInfo)
        return [each for each in told if each is not None]

    def registered(self, number: str) -> RegistrationFacts:
        """Whether a phone number (digits) is on WhatsApp."""
        raw = self._calls.ask("IsOnWhatsApp", b"+" + in_c(number))
        reply = pb.IsOnWhatsAppReturnFunction.FromString(raw)
        if _NOBODY in reply.Error:
            return RegistrationFacts(is_in=False)
        if reply.Error:
            raise refusals.of_query(reply.Error)
        return registration(reply.IsOnWhatsAppResponse[0], self._calls.who)

    def picture(self, jid: str, *, preview: bool, community: bool) -> PictureFacts | None:
        """The picture of somebody or of a group; None when there is none, or it is not shown to us."""
        # With one of the three left out, neonize would ignore the others.
        wanted = pb.GetProfilePictureParams(Preview=preview, ExistingID="", IsCommunity=community)
        raw = self._calls.ask("GetProfilePicture", *sized(jid_of(jid)), *sized(wanted))
        reply = pb.GetProfilePictureReturnFunction.FromString(raw)
        if any(part in reply.Error for part in _NO_PICTURE):
            return None
        if reply.Error:
            raise refusals.of_user(reply.Error)
        return picture(reply.Picture)

    def set_picture(self, jpeg: bytes) -> None:
        """Set the account's own picture."""
        raw = self._calls.ask("SetProfilePhoto", jpeg, len(jpeg))
        reply = pb.SetGroupPhotoReturnFunction.FromString(raw)
        if reply.Error:
            raise refusals.of_picture(reply.Error)

    def set_push_name(self, name: str) -> None:
        """Set the name that the account shows to others."""
        if text := self._calls.ask("SetPushName", in_c(name)):
            raise refusals.of_change(text.decode())

    def privacy(self) -> PrivacyFacts:
        """The account's privacy settings."""
        settings = pb.PrivacySettings.FromString(self._calls.ask("GetPrivacySettings"))
        facts = privacy_facts(settings)
        if not any(facts.values()):  # how neonize shows that nobody answered
            raise device_unavailable("WhatsApp could not be reached or did not answer", retry_after=2)
        return facts

    def set_privacy(self, name: str, value: str) -> PrivacyFacts:
        """Change one of them; all of them afterwards."""
        raw = self._calls.ask("SetPrivacySetting", _PRIVACY_NAMES[name], in_c(value))
        reply = pb.SetPrivacySettingReturnFunction.FromString(raw)
        if reply.Error:
            raise refusals.of_change(reply.Error)
        return privacy_facts(reply.settings)

    def contacts(self) -> list[ContactFacts]:
        """The session's address book."""
        reply = pb.ContactsGetAllContactsReturnFunction.FromString(self._calls.ask("GetAllContacts"))
        if reply.Error:
            raise refusals.of_query(reply.Error)
        return contact_facts(reply.Contact, self._calls.who)

    def contact(self, jid: str) -> ContactFacts | None:
        """Somebody in it, whom it may have by phone and by LID; None when they are not."""
        found = []
        for each in filter(None, self._known(jid)):
            raw = self._calls.ask("GetContact", *sized(jid_of(each)))
            reply = pb.ContactsGetContactReturnFunction.FromString(raw)
            if reply.Error:
                raise refusals.of_query(reply.Error)
            if reply.ContactInfo.Found:
                found.append(pb.Contact(JID=jid_of(each), Info=reply.ContactInfo))
        return next(iter(contact_facts(found, self._calls.who)), None)

    def blocked(self) -> list[tuple[str, str]]:
        """JID and LID of whom the account has blocked."""
        reply = pb.GetBlocklistReturnFunction.FromString(self._calls.ask("GetBlocklist"))
        if reply.Error:
            raise refusals.of_query(reply.Error)
        return [self._calls.who(each, None) for each in reply.Blocklist.JIDs]

    def set_blocked(self, jid: str, *, blocked: bool) -> list[tuple[str, str]]:
        """Block or unblock somebody; whom the account has blocked afterwards."""
        action = b"block" if blocked else b"unblock"
        raw = self._calls.ask("UpdateBlocklist", *sized(jid_of(jid)), action)
        reply = pb.GetBlocklistReturnFunction.FromString(raw)
        if reply.Error:
            raise refusals.of_user(reply.Error, change=True)
        return [self._calls.who(each, None) for each in reply.Blocklist.JIDs]

    def identities(self, jid: str) -> tuple[str, str]:
        """The phone JID and the LID of somebody by either, "" where WhatsApp does not tell."""
        found = self._known(jid)
        if not all(found) and is_person(jid):
            self.users([jid])  # its answer fills the session's table
            found = self._known(jid)
        return found

    def _known(self, jid: str) -> tuple[str, str]:
        if is_lid(jid):
            return self._calls.phone_of(jid), jid
        return jid, self._calls.lid_of(jid)
