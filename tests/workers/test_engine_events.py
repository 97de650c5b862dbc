import pytest

from wagateway.whatsapp.protos import E2E, bare_neonize

bare_neonize()

from neonize.proto import Neonize_pb2 as pb  # type: ignore[import-untyped, unused-ignore]  # noqa: E402

from workers.engine import ConnectionChange  # noqa: E402
from workers.neonize_events import (  # noqa: E402
    SUBSCRIBED,
    Code,
    caller_told,
    read_call,
    read_change,
    read_end,
    read_identity,
    read_message,
    read_receipt,
    read_undecryptable,
)

ALICE = "628111@s.whatsapp.net"
ALICE_LID = "900111@lid"
ME = "628999@s.whatsapp.net"
ME_LID = "900999@lid"
GROUP = "120363000000000001@g.us"


def jid(text: str, device: int = 0) -> pb.JID:
    user, _, server = text.partition("@")
    return pb.JID(User=user, Server=server, Device=device, RawAgent=0, Integrator=0)


def event(chat: str, sender: str, *, sender_alt: str = "", recipient_alt: str = "", **how: object) -> bytes:
    source = pb.MessageSource(
        Chat=jid(chat),
        Sender=jid(sender, device=7),
        SenderAlt=jid(sender_alt),
        RecipientAlt=jid(recipient_alt),
        BroadcastListOwner=jid(""),
        IsFromMe=bool(how.get("from_me")),
        IsGroup=chat.endswith("@g.us"),
    )
    info = pb.MessageInfo(
        MessageSource=source,
        ID=str(how.get("id", "3EB0")),
        ServerID=0,
        Type="text",
        Pushname="Alice",
        Timestamp=1_700_000_000_123,
        Category=str(how.get("category", "")),
        Multicast=False,
        MediaType="",
        Edit="",
    )
    message = pb.Message(
        Info=info,
        Message=E2E.Message(conversation="hello"),
        IsEphemeral=False,
        IsViewOnce=False,
        IsViewOnceV2=False,
        IsViewOnceV2Extension=False,
        IsDocumentWithCaption=False,
        IsLottieSticker=False,
        IsEdit=False,
        UnavailableRequestID="",
        RetryCount=0,
    )
    return bytes(message.SerializeToString())


def nobody(_lid: str) -> str:
    return ""


def test_a_direct_message_to_the_lid_is_filed_under_the_phone() -> None:
    read = read_message(event(ALICE_LID, ALICE_LID, sender_alt=ALICE), nobody)

    assert read is not None
    assert (read.chat, read.chat_lid) == (ALICE, ALICE_LID)
    assert (read.sender, read.sender_lid) == (ALICE, ALICE_LID)
    assert read.timestamp == 1_700_000_000_123
    assert E2E.Message.FromString(read.content).conversation == "hello"


def test_an_own_message_from_another_device_is_filed_under_the_recipient() -> None:
    raw = event(ALICE_LID, ME_LID, sender_alt=ME, recipient_alt=ALICE, from_me=True)

    read = read_message(raw, nobody)

    assert read is not None
    assert (read.chat, read.chat_lid) == (ALICE, ALICE_LID)
    assert (read.sender, read.sender_lid) == (ME, ME_LID)
    assert read.is_from_me


def test_a_group_message_keeps_the_group_and_both_jids_of_the_sender() -> None:
    read = read_message(event(GROUP, ALICE, sender_alt=ALICE_LID), nobody)

    assert read is not None
    assert (read.chat, read.chat_lid) == (GROUP, "")
    assert (read.sender, read.sender_lid) == (ALICE, ALICE_LID)


def test_a_lid_without_a_phone_is_looked_up() -> None:
    read = read_message(event(ALICE_LID, ALICE_LID), {ALICE_LID: ALICE}.__getitem__)

    assert read is not None
    assert (read.chat, read.chat_lid) == (ALICE, ALICE_LID)


def test_a_lid_that_nobody_knows_stands_for_itself() -> None:
    read = read_message(event(ALICE_LID, ALICE_LID), nobody)

    assert read is not None
    assert (read.chat, read.chat_lid) == (ALICE_LID, ALICE_LID)


def test_messages_between_own_devices_are_not_messages() -> None:
    assert read_message(event(ME, ME, category="peer", from_me=True), nobody) is None


def test_a_message_without_an_id_is_refused() -> None:
    with pytest.raises(ValueError, match="without id"):
        read_message(event(ALICE, ALICE, id=""), nobody)


def test_what_nobody_reads_is_not_asked_for() -> None:
    presence, block_list, blocked = 20, 30, 31

    assert not {Code.DEVICE, presence, block_list, blocked} & set(SUBSCRIBED)


def undecryptable(unavailable: bool, **how: object) -> bytes:
    info = pb.Message.FromString(event(ALICE_LID, ALICE_LID, sender_alt=ALICE, **how)).Info  # type: ignore[arg-type]
    told = pb.UndecryptableMessage(
        Info=info, IsUnavailable=unavailable, DecryptFailMode=pb.UndecryptableMessage.DECRYPT_FAIL_SHOW
    )
    return bytes(told.SerializeToString())


@pytest.mark.parametrize("unavailable", [True, False])
def test_a_message_that_could_not_be_decrypted_says_who_sent_it_where(unavailable: bool) -> None:
    told = read_undecryptable(undecryptable(unavailable), nobody)

    assert told is not None
    assert ("3EB0", ALICE, ALICE_LID, ALICE, ALICE_LID) == (
        told.id,
        told.chat,
        told.chat_lid,
        told.sender,
        told.sender_lid,
    )
    assert ("Alice", 1_700_000_000_123, unavailable) == (told.push_name, told.timestamp, told.unavailable)


def test_what_own_devices_could_not_tell_each_other_is_not_told() -> None:
    assert read_undecryptable(undecryptable(False, category="peer"), nobody) is None
    with pytest.raises(ValueError, match="without id"):
        read_undecryptable(undecryptable(False, id=""), nobody)


def receipt(
    kind: int, *ids: str, from_me: bool = False, chat: str = ALICE_LID, sender: str = ALICE_LID
) -> bytes:
    source = pb.MessageSource(
        Chat=jid(chat),
        Sender=jid(sender, device=3),
        SenderAlt=jid(""),
        RecipientAlt=jid(""),
        BroadcastListOwner=jid(""),
        IsFromMe=from_me,
        IsGroup=chat.endswith("@g.us"),
    )
    told = pb.Receipt(MessageSource=source, MessageIDs=list(ids), Timestamp=1_700_000_000, Type=kind)
    return bytes(told.SerializeToString())


def test_a_receipt_has_both_identities_and_all_its_ids() -> None:
    told = read_receipt(receipt(pb.Receipt.READ, "A", "B"), lambda lid: ALICE if lid == ALICE_LID else "")
    assert told is not None
    assert (["A", "B"], "read", ALICE, ALICE_LID, ALICE, ALICE_LID, 1_700_000_000_000) == (
        told.ids,
        told.kind,
        told.chat,
        told.chat_lid,
        told.sender,
        told.sender_lid,
        told.timestamp,
    )


@pytest.mark.parametrize(
    ("kind", "from_me", "expected"),
    [
        (pb.Receipt.DELIVERED, False, "delivered"),
        (pb.Receipt.INACTIVE, False, "delivered"),
        (pb.Receipt.PLAYED, False, "played"),
        (pb.Receipt.READ_SELF, True, "read-self"),
        (pb.Receipt.READ, True, "read-self"),
        (pb.Receipt.SERVER_ERROR, True, "played-self"),
        (pb.Receipt.DELIVERED, True, None),
        (pb.Receipt.SENDER, True, None),
        (pb.Receipt.PEER_MSG, True, None),
        (pb.Receipt.RETRY, False, None),
    ],
)
def test_only_receipts_that_tell_something_are_told(kind: int, from_me: bool, expected: str | None) -> None:
    told = read_receipt(receipt(kind, "A", from_me=from_me), lambda _: "")
    assert expected == (told and told.kind)


def test_a_receipt_for_nothing_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="ids"):
        read_receipt(receipt(pb.Receipt.READ), lambda _: "")


def test_a_removed_device_and_a_refused_login_have_different_reasons() -> None:
    removed = pb.LoggedOut(OnConnect=False, Reason=pb.LOGGED_OUT).SerializeToString()
    refused = pb.LoggedOut(OnConnect=True, Reason=pb.MAIN_DEVICE_GONE).SerializeToString()

    assert ConnectionChange("logged_out", "device_removed") == read_change(Code.LOGGED_OUT, removed)
    assert ConnectionChange("logged_out", "main_device_gone") == read_change(Code.LOGGED_OUT, refused)


def test_a_ban_says_why_and_until_when() -> None:
    ban = pb.TemporaryBan(Code=pb.TemporaryBan.BLOCKED_BY_USERS, Expire=60).SerializeToString()

    change = read_change(Code.TEMPORARY_BAN, ban)

    assert change is not None
    assert (change.change, change.reason) == ("banned", "blocked_by_users")
    assert change.until > 0


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("", ConnectionChange("ended", "engine_ended")),
        ("dial tcp: refused", ConnectionChange("ended", "connect_failed")),
        ("proto: required field neonize.Receipt.Type not set", ConnectionChange("ended", "event_pump_died")),
        (
            "proto: required field neonize.TemporaryBan.Code not set",
            ConnectionChange("banned", "unknown_reason"),
        ),
    ],
)
def test_the_end_of_the_pump_says_what_killed_it(text: str, change: ConnectionChange) -> None:
    assert change == read_end(text)


def test_an_identity_has_no_device_parts() -> None:
    device = pb.Device(
        JID=jid(ME, 12), LID=jid(ME_LID, 12), Platform="", BussinessName="", PushName="Me", Initialized=True
    )

    assert read_identity(device.SerializeToString()) == (ME, ME_LID, "Me")


def offer(creator: str, *, alt: str = "", id: str = "C1", attrs: tuple[pb.NodeAttrs, ...] = ()) -> bytes:  # noqa: A002
    call = pb.CallOffer(
        basicCallMeta={"timestamp": 1_700_000_000, "callID": id},
        callRemoteMeta=pb.CallRemoteMeta(remotePlatform="android", remoteVersion="2.24"),
        data=pb.Node(Tag="offer", Attrs=attrs),
    )
    told = call.basicCallMeta
    getattr(told, "from").CopyFrom(jid(creator))
    told.callCreator.CopyFrom(jid(creator, device=7))
    told.callCreatorAlt.CopyFrom(jid(alt))
    return bytes(call.SerializeToString())


def test_a_call_is_told_by_phone_and_rejected_as_it_was_named() -> None:
    raw = offer(ALICE_LID, alt=ALICE)

    read = read_call(raw, nobody)

    assert ("C1", ALICE, ALICE_LID, "") == (read.id, read.caller, read.caller_lid, read.group)
    assert (1_700_000_000_000, "android", "2.24") == (read.timestamp, read.platform, read.version)
    assert ("C1", ALICE_LID) == caller_told(raw)


@pytest.mark.parametrize(
    "attr", [pb.NodeAttrs(name="group-jid", jid=jid(GROUP)), pb.NodeAttrs(name="group-jid", text=GROUP)]
)
def test_a_call_in_a_group_names_the_group(attr: pb.NodeAttrs) -> None:
    other = pb.NodeAttrs(name="call-id", text="C1")

    assert GROUP == read_call(offer(ALICE, attrs=(other, attr)), nobody).group


def test_a_call_of_nobody_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="without id or caller"):
        read_call(offer(ALICE, id=""), nobody)
