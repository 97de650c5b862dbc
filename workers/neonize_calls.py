"""The calls into neonize that we use, each blocking until WhatsApp answered: for the engine's threads."""

import ctypes

from neonize.proto import Neonize_pb2 as pb  # type: ignore[import-untyped, unused-ignore]

from wagateway.phone import USER
from wagateway.problems import device_unavailable
from workers import refusals
from workers.engine import Sent
from workers.neonize_events import read_identity, text_of
from workers.session import Identity

_CHROME = 1  # neonize's ClientType; the text below goes with it, or WhatsApp refuses the code
_SHOWN_AS = "Chrome (Linux)"


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
        to = _jid(chat).SerializeToString()
        raw = self._call("SendMessage", to, len(to), content, len(content))
        reply = pb.SendMessageReturnFunction.FromString(raw)
        if reply.Error:
            raise refusals.of_send(reply.Error)
        return Sent(reply.SendResponse.ID, reply.SendResponse.Timestamp)

    def group_members(self, group: str) -> list[str]:
        """The JIDs of a group's participants, in the form that the group itself uses."""
        jid = _jid(group).SerializeToString()
        reply = pb.GetGroupInfoReturnFunction.FromString(self._call("GetGroupInfo", jid, len(jid)))
        if reply.Error:
            raise refusals.of_query(reply.Error)
        return [text_of(member.JID) for member in reply.GroupInfo.Participants]

    def pair_code(self, phone: str) -> str:
        """A code (ABCD-EFGH) that links this device when typed into the phone with that number."""
        order = pb.PairPhoneParams(
            phone=phone, showPushNotification=True, clientType=_CHROME, clientDisplayName=_SHOWN_AS
        ).SerializeToString()
        reply = pb.PairPhoneReturnFunction.FromString(self._call("PairPhone", order, len(order)))
        if reply.Error:
            raise refusals.of_query(reply.Error)
        return str(reply.Code)

    def identity(self) -> Identity:
        """The account as the session knows it now."""
        return read_identity(self._call("GetMe"))

    def phone_of(self, lid: str) -> str:
        """The phone JID of a LID from the session's own table, "" when unknown; asks nobody."""
        if not (self.open and lid):
            return ""
        jid = _jid(lid).SerializeToString()
        reply = pb.GetJIDFromStoreReturnFunction.FromString(self._call("GetPNFromLID", jid, len(jid)))
        return text_of(reply.Jid) if reply.Jid.Server == USER else ""

    def unlink(self) -> None:
        """Tell WhatsApp that this device is no longer linked, and delete the session."""
        if text := self._call("Logout"):
            raise refusals.of_query(text.decode())

    def disconnect(self) -> None:
        """Close the connection; the event pump goes on with what has arrived."""
        if self.open:
            self._gocode.Disconnect(self._key)

    def stop(self) -> None:
        """Disconnect and end the event pump; there is no way back."""
        self.open = False
        self._gocode.Stop(self._key)

    def _call(self, name: str, *arguments: bytes | int) -> bytes:
        if not self.open:
            raise device_unavailable("The device is not connected to WhatsApp", retry_after=2)
        return bytes(getattr(self._gocode, name)(self._key, *arguments) or b"")


def _jid(text: str) -> pb.JID:
    user, _, server = text.partition("@")
    # Every field is required, also where it says nothing.
    return pb.JID(User=user, Server=server, RawAgent=0, Device=0, Integrator=0, IsEmpty=False)
