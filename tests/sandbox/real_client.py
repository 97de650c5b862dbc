"""The real neonize client as a process: told what to do on stdin, telling what happens on stdout."""

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import neonize  # type: ignore[import-untyped, unused-ignore]
import neonize.aioze.client as neonize_client
import neonize.aioze.events as ev
from neonize._binder import ProxySettings
from neonize.proto.waCompanionReg.WAWebProtobufsCompanionReg_pb2 import DeviceProps  # type: ignore[import-untyped, unused-ignore]
from neonize.proto.waE2E import WAWebProtobufsE2E_pb2 as E2E  # type: ignore[import-untyped, unused-ignore]
from neonize.utils.enum import (
    ChatPresence,
    ChatPresenceMedia,
    ClientName,
    ClientType,
    MediaType,
    Presence,
    ReceiptType,
)
from neonize.utils.jid import build_jid

from wagateway.spec import SandboxNetwork
from workers.trust import trust


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


def message(event: Any) -> dict[str, object]:
    """A received message."""
    source = event.Info.MessageSource
    return {
        "id": event.Info.ID,
        "text": text_of(event.Message),
        "chat": address(source.Chat),
        "sender": address(source.Sender),
        "alt": address(source.SenderAlt),
        "name": event.Info.Pushname,
        "from_me": source.IsFromMe,
    }


def receipt(event: Any) -> dict[str, object]:
    """Somebody received or read what we sent."""
    return {"ids": list(event.MessageIDs), "type": event.Type, "who": address(event.MessageSource.Sender)}


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
    "joined": (ev.JoinedGroupEv, lambda event: {"group": address(event.GroupInfo.JID)}),
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
    ids = []
    for number in range(order.get("count", 1)):
        message = E2E.Message(
            extendedTextMessage=E2E.ExtendedTextMessage(text=order["text"] + f" {number}" * (number > 0))
        )
        ids.append((await client.send_message(jid_of(order["to"]), message)).ID)
    return {"id": ids[0], "ids": ids}


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


async def logout(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Log out."""
    await client.logout()
    return {}


ORDERS: dict[str, Callable[[Any, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    each.__name__: each
    for each in (
        send, pair_code, available, subscribe, typing, read, check, upload, groups, create_group, logout,
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
