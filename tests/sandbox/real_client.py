"""The real neonize client as a process: told what to do on stdin, telling what happens on stdout."""

import asyncio
import hashlib
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import neonize  # type: ignore[import-untyped, unused-ignore]
import neonize.aioze.client as neonize_client
import neonize.aioze.events as ev
from google.protobuf.json_format import MessageToDict, ParseDict
from neonize._binder import ProxySettings, gocode
from neonize.proto.Neonize_pb2 import GetProfilePictureParams, NewsletterRole, ReturnFunctionWithError  # type: ignore[import-untyped, unused-ignore]
from neonize.proto.waCompanionReg.WAWebProtobufsCompanionReg_pb2 import DeviceProps  # type: ignore[import-untyped, unused-ignore]
from neonize.proto.waE2E import WAWebProtobufsE2E_pb2 as E2E  # type: ignore[import-untyped, unused-ignore]
from neonize.utils.enum import (
    BlocklistAction,
    ChatPresence,
    ChatPresenceMedia,
    ClientName,
    ClientType,
    MediaType,
    ParticipantChange,
    Presence,
    ReceiptType,
    VoteType,
)
from neonize.utils.jid import build_jid

from wagateway.spec import SandboxNetwork
from workers.trust import trust

ASIDE = ("messageContextInfo", "senderKeyDistributionMessage")
GROUP_CHANGES = (
    "Name", "Topic", "Locked", "Announce", "Ephemeral", "NewInviteLink", "Join", "Leave", "Promote", "Demote",
)  # fmt: skip
WRAPPERS = ("IsEphemeral", "IsViewOnce", "IsViewOnceV2Extension", "IsDocumentWithCaption", "IsEdit")


def say(said: str, **facts: object) -> None:
    """One line of JSON to the test."""
    print(json.dumps({"said": said, **facts}), flush=True)


def address(jid: Any) -> str:
    """`user@server`, with the device if any."""
    return f"{jid.User}:{jid.Device}@{jid.Server}" if jid.Device else f"{jid.User}@{jid.Server}"


def jid_of(text: str) -> Any:
    """The JID that `address` wrote, without its device."""
    user, _, server = text.partition("@")
    return build_jid(user.partition(":")[0], server or "s.whatsapp.net")


def text_of(message: Any) -> str:
    """The text of a message."""
    return str(message.conversation or message.extendedTextMessage.text)


def nothing(event: Any) -> dict[str, object]:
    """No more than that it happened."""
    return {}


RECEIVED: dict[str, Any] = {}
"""The messages that came, by their ids."""


def message(event: Any) -> dict[str, object]:
    """A received message."""
    source = event.Info.MessageSource
    RECEIVED[event.Info.ID] = event
    fields = [field.name for field, _ in event.Message.ListFields()]
    return {
        "kind": next((name for name in fields if name not in ASIDE), ""),
        "content": MessageToDict(event.Message),
        "type": event.Info.Type,
        "media_type": event.Info.MediaType,
        "edit": event.Info.Edit,
        "wrapped": [name for name in WRAPPERS if getattr(event, name)],
        "id": event.Info.ID,
        "text": text_of(event.Message),
        "chat": address(source.Chat),
        "sender": address(source.Sender),
        "alt": address(source.SenderAlt),
        "name": event.Info.Pushname,
        "from_me": source.IsFromMe,
        "server_id": event.Info.ServerID,
    }


def receipt(event: Any) -> dict[str, object]:
    """Somebody received or read what we sent."""
    return {"ids": list(event.MessageIDs), "type": event.Type, "who": address(event.MessageSource.Sender)}


def posts(messages: Any) -> list[list[object]]:
    """Posts of a newsletter: number, text, views, reactions."""
    return [
        [
            each.MessageServerID,
            text_of(each.Message),
            each.ViewsCount,
            {reaction.type: reaction.count for reaction in each.ReactionCounts},
        ]
        for each in messages
    ]


def group_change(event: Any) -> dict[str, object]:
    """What changed in a group: the names of the fields that are set, and who came or went."""
    fields = [field.name for field, _ in event.ListFields()]
    return {
        "group": address(event.JID),
        "changed": [name for name in fields if name in GROUP_CHANGES],
        "who": [
            address(jid) for name in ("Join", "Leave", "Promote", "Demote") for jid in getattr(event, name)
        ],
        "unknown": [node.Tag for node in event.UnknownChanges],
    }


REPORTS: dict[str, tuple[Any, Callable[[Any], dict[str, object]]]] = {
    "connected": (ev.ConnectedEv, nothing),
    "disconnected": (ev.DisconnectedEv, nothing),
    "paired": (ev.PairStatusEv, nothing),
    "replaced": (ev.StreamReplacedEv, nothing),
    "outdated": (ev.ClientOutdatedEv, nothing),
    "message": (ev.MessageEv, message),
    "receipt": (ev.ReceiptEv, receipt),
    "logged_out": (ev.LoggedOutEv, lambda event: {"on_connect": event.OnConnect}),
    "banned": (ev.TemporaryBanEv, lambda event: {"expire": event.Expire}),
    "failed": (ev.ConnectFailureEv, lambda event: {"reason": event.Reason}),
    "history": (
        ev.HistorySyncEv,
        lambda event: {"chats": len(event.Data.conversations), "bytes": event.Data.ByteSize()},
    ),
    "typing": (ev.ChatPresenceEv, lambda event: {"who": address(event.MessageSource.Sender)}),
    "presence": (ev.PresenceEv, lambda event: {"unavailable": event.Unavailable}),
    "newsletter_joined": (
        ev.NewsletterJoinEv,
        lambda event: {
            "jid": address(event.NewsletterMetadata.ID),
            "role": NewsletterRole.Name(event.NewsletterMetadata.ViewerMeta.Role),
        },
    ),
    "live_update": (ev.NewsletterLiveUpdateEv, lambda event: {"posts": posts(event.Messages)}),
    "joined": (ev.JoinedGroupEv, lambda event: {"group": address(event.GroupInfo.JID)}),
    "group_change": (ev.GroupInfoEv, group_change),
    "picture": (ev.PictureEv, lambda event: {"of": address(event.JID), "removed": event.Remove}),
    "blocklist": (ev.BlocklistEv, lambda event: {"who": [address(each.JID) for each in event.Changes]}),
    "privacy": (ev.PrivacySettingsEv, nothing),
    "muted": (ev.NewsletterMuteChangeEv, lambda event: {"jid": address(event.ID), "mute": event.Mute}),
    "left": (ev.NewsletterLeaveEv, lambda event: {"jid": address(event.ID)}),
}


def report(client: Any) -> None:
    """Tell every event that tests wait for."""
    for name, (kind, facts) in REPORTS.items():

        async def tell(
            _: Any, event: Any, name: str = name, facts: Callable[[Any], dict[str, object]] = facts
        ) -> None:
            say(name, **facts(event))

        client.event(kind)(tell)

    async def show(_: Any, code: bytes) -> None:
        say("qr", code=code.decode())

    client.qr(show)


async def send(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Send a text, or `count` of them."""
    ids, numbers = [], []
    for number in range(order.get("count", 1)):
        message = E2E.Message(
            extendedTextMessage=E2E.ExtendedTextMessage(text=order["text"] + f" {number}" * (number > 0))
        )
        sent = await client.send_message(jid_of(order["to"]), message)
        ids.append(sent.ID)
        numbers.append(sent.ServerID)
    return {"id": ids[0], "ids": ids, "server_ids": numbers}


async def pair_code(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """A pairing code."""
    return {"code": await client.PairPhone(order["number"], True, ClientName.LINUX, ClientType.CHROME)}


async def available(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Say that we are online."""
    await client.send_presence(Presence.AVAILABLE)
    return {}


async def subscribe(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Want to hear of somebody's presence."""
    await client.subscribe_presence(jid_of(order["to"]))
    return {}


async def typing(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Say that we are typing."""
    await client.send_chat_presence(
        jid_of(order["to"]), ChatPresence.CHAT_PRESENCE_COMPOSING, ChatPresenceMedia.CHAT_PRESENCE_MEDIA_TEXT
    )
    return {}


async def read(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Mark a message as read."""
    chat, sender = jid_of(order["chat"]), jid_of(order["sender"])
    await client.mark_read(order["id"], chat=chat, sender=sender, receipt=ReceiptType.READ)
    return {}


async def check(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Who is on WhatsApp."""
    return {"found": [each.IsIn for each in await client.is_on_whatsapp(*order["numbers"])]}


async def upload(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Upload random bytes, download them again; whether they are the same."""
    data = bytes(range(256)) * (order["bytes"] // 256)
    up = await client.upload(data, MediaType.MediaImage)
    message = E2E.ImageMessage(
        URL=up.url,
        directPath=up.DirectPath,
        mediaKey=up.MediaKey,
        fileSHA256=up.FileSHA256,
        fileEncSHA256=up.FileEncSHA256,
        fileLength=up.FileLength,
    )
    return {"same": await client.download_any(E2E.Message(imageMessage=message)) == data}


async def groups(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """The groups we are in."""
    return {"groups": [address(each.JID) for each in await client.get_joined_groups()]}


async def create_group(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """A new group."""
    made = await client.create_group(order["subject"], [jid_of(member) for member in order["members"]])
    return {"group": address(made.JID)}


async def knows(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Wait until a number has a name in the address book; the name."""
    async with asyncio.timeout(10):
        while True:
            for contact in await client.contact.get_all_contacts():
                if contact.JID.User == order["number"] and contact.Info.FullName:
                    return {"name": contact.Info.FullName}


async def newsletters(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """The newsletters we follow: JID, name, role, followers."""
    return {
        "newsletters": [
            [
                address(each.ID),
                each.ThreadMeta.Name.Text,
                NewsletterRole.Name(each.ViewerMeta.Role),
                each.ThreadMeta.SubscriberCount,
            ]
            for each in await client.get_subscribed_newletters()
        ]
    }


async def newsletter(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Ask or do something about one newsletter."""
    jid = jid_of(order["jid"])
    match order["what"]:
        case "info":
            found = await client.get_newsletter_info(jid)
            return {"name": found.ThreadMeta.Name.Text, "invite": found.ThreadMeta.InviteCode}
        case "posts":
            return {"posts": posts(await client.get_newsletter_messages(jid, 10, 0))}
        case "follow":
            await client.follow_newsletter(jid)
        case "unfollow":
            await client.unfollow_newsletter(jid)
        case "watch":
            return {"duration": await client.newsletter_subscribe_live_updates(jid)}
        case "view":
            await client.newsletter_mark_viewed(jid, [order["number"]])
        case "react":
            await client.newsletter_send_reaction(jid, order["number"], order["reaction"], "")
    return {}


async def newsletter_upload(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Upload random bytes in the clear, as newsletters want them; what came back."""
    data = bytes(range(256)) * (order["bytes"] // 256)
    up = await client.upload_newsletter(data, MediaType.MediaImage)
    image = E2E.ImageMessage(
        URL=up.url, directPath=up.DirectPath, fileSHA256=up.FileSHA256, fileLength=up.FileLength
    )
    sent = await client.send_message(jid_of(order["to"]), E2E.Message(imageMessage=image))
    return {"id": sent.ID, "handle": up.Handle, "path": up.DirectPath}


async def deliver(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Send a message of any kind, given in protobuf JSON."""
    sent = await client.send_message(jid_of(order["to"]), ParseDict(order["content"], E2E.Message()))
    return {"id": sent.ID}


async def send_file(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Upload so many bytes and send them as a document."""
    data = bytes(order["bytes"])
    up = await client.upload(data, MediaType.MediaDocument)
    document = E2E.DocumentMessage(
        URL=up.url,
        directPath=up.DirectPath,
        mediaKey=up.MediaKey,
        fileSHA256=up.FileSHA256,
        fileEncSHA256=up.FileEncSHA256,
        fileLength=up.FileLength,
        fileName="zeros.bin",
    )
    sent = await client.send_message(jid_of(order["to"]), E2E.Message(documentMessage=document))
    return {"id": sent.ID, "sha256": hashlib.sha256(data).hexdigest()}


async def fetch(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Download the file of a message that came."""
    message = E2E.Message.FromString(RECEIVED[order["id"]].Message.SerializeToString())
    if message.HasField("ptvMessage"):  # unknown to the client's own search
        message.videoMessage.CopyFrom(message.ptvMessage)
    data = await client.download_any(message)
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


async def open_vote(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """What a vote that came is for, as hashes in hex."""
    # The client's own decrypt_poll_vote fails on what the library hands it.
    event = RECEIVED[order["id"]].SerializeToString()
    raw = await asyncio.to_thread(gocode.DecryptPollVote, client.uuid, event, len(event))
    found = ReturnFunctionWithError.FromString(raw.contents.get_bytes())
    if found.Error:
        raise RuntimeError(found.Error)
    return {"options": [each.hex() for each in found.PollVoteMessage.selectedOptions]}


async def ask_poll(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Ask a poll."""
    poll = await client.build_poll_vote_creation(order["question"], order["options"], VoteType.SINGLE)
    return {"id": (await client.send_message(jid_of(order["to"]), poll)).ID}


async def vote(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Vote on a poll that came."""
    poll = RECEIVED[order["id"]].Info
    content = await client.build_poll_vote(poll, order["options"])
    return {"id": (await client.send_message(poll.MessageSource.Chat, content)).ID}


async def play(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Tell that a voice note was listened to."""
    chat, sender = jid_of(order["chat"]), jid_of(order["sender"])
    await client.mark_read(order["id"], chat=chat, sender=sender, receipt=ReceiptType.PLAYED)
    return {}


async def group(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Ask or change something about one group."""
    jid = jid_of(order.get("jid", ""))
    match order["what"]:
        case "info":
            found = await client.get_group_info(jid)
        case "preview":
            found = await client.get_group_info_from_link(order["link"])
        case "link":
            return {"link": await client.get_group_invite_link(jid, order.get("reset", False))}
        case "join":
            return {"group": address(await client.join_group_with_link(order["link"]))}
        case "requests":
            waiting = await client.get_group_request_participants(jid)
            return {"who": [address(each.Participant) for each in waiting]}
        case "members":
            action = ParticipantChange(order["action"])
            told = await client.update_group_participants(
                jid, [jid_of(each) for each in order["who"]], action
            )
            return {"errors": [[each.Error, bool(each.AddRequest.Code)] for each in told]}
        case "photo":
            return {"id": await client.set_group_photo(jid, bytes.fromhex(order["data"]))}
        case setting:
            await getattr(client, f"set_group_{setting}")(jid, *order["to"])
            return {}
    return {
        "subject": found.GroupName.Name,
        "topic": found.GroupTopic.Topic,
        "locked": found.GroupLocked.isLocked,
        "announce": found.GroupAnnounce.IsAnnounce,
        "members": {address(each.PhoneNumber): each.IsAdmin for each in found.Participants},
    }


async def person(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Ask or change something about somebody, or about the account itself."""
    jid = jid_of(order.get("jid", ""))
    match order["what"]:
        case "info":
            found = (await client.get_user_info(jid))[0].UserInfo
            return {"about": found.Status, "picture": found.PictureID}
        case "verified":
            # neonize 0.5.2 leaves the verified name out of what get_user_info answers.
            found = (await client.is_on_whatsapp(order["number"]))[0]
            return {"name": found.VerifiedName.Details.verifiedName}
        case "picture":
            params = GetProfilePictureParams(
                Preview=False, ExistingID=order.get("known", ""), IsCommunity=False
            )
            shown = await client.get_profile_picture(jid, params)
            return {"id": shown.ID, "url": shown.URL}
        case "set_picture":
            return {"id": await client.set_profile_photo(bytes.fromhex(order["data"]))}
        case "rename":
            await client.set_profile_name(order["name"])
        case "block":
            blocked = await client.update_blocklist(jid, BlocklistAction(order["action"]))
            return {"blocked": [address(each) for each in blocked.JIDs]}
        case "blocked":
            return {"blocked": [address(each) for each in (await client.get_blocklist()).JIDs]}
        case "mute":
            await client.newsletter_toggle_mute(jid, order["muted"])
    return {}


async def logout(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Log out."""
    await client.logout()
    return {}


ORDERS: dict[str, Callable[[Any, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    each.__name__: each
    for each in (
        send, pair_code, available, subscribe, typing, read, check, upload, groups, create_group, logout,
        deliver, send_file, fetch, open_vote, ask_poll, vote, play,
        knows, newsletters, newsletter, newsletter_upload, group, person,
    )
}  # fmt: skip


async def obey(client: Any, order: dict[str, Any]) -> None:
    """Do one thing and say how it went."""
    try:
        say("done", order=order["order"], **await ORDERS[order["do"]](client, order))
    except Exception as error:  # noqa: BLE001  the edge of this process: the test sees the error's text
        say("done", order=order["order"], error=f"{type(error).__name__}: {error}")


async def main(network: SandboxNetwork, session: str) -> None:
    """Connect, then do what stdin asks for until it ends."""
    loop = asyncio.get_running_loop()
    library = next(Path(neonize.__file__).parent.glob("neonize-linux-*.so"))
    trust(network, library)
    ev.event_global_loop = loop
    name = f"{session}?_journal_mode=WAL&_synchronous=OFF&_foreign_keys=on&x="
    props = DeviceProps(os="real client", platformType=DeviceProps.CHROME)
    client = neonize_client.NewAClient(name, props=props)
    report(client)
    await client.connect(ProxySettings(network.proxy))
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks = set()
    while line := await reader.readline():
        task = asyncio.create_task(obey(client, json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


if __name__ == "__main__":
    logging.getLogger("neonize.utils.log").setLevel(sys.argv[3] if len(sys.argv) > 3 else "ERROR")
    told = json.loads(Path(sys.argv[1]).read_text())
    asyncio.run(main(SandboxNetwork(told["proxy"], told["root_key"], told["ca"]), sys.argv[2]))
