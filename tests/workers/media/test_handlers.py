"""Downloading the file of a message: by its id, in its chat, once."""

import hashlib
from collections.abc import Callable

import msgspec
import pytest

from tests.workers.conftest import ALICE, ALICE_LID, BOB, NOON, OWN
from tests.workers.media.conftest import Running, Script
from wagateway.commands.messages import DownloadMessageMedia, FetchMedia
from wagateway.contract import Problem
from wagateway.settings import Settings
from wagateway.whatsapp.protos import E2E
from wagateway.wire import device_key
from workers.handlers.media import download_message_media, fetch_media
from workers.media import Media
from workers.shard import Shard, messages
from workers.shard.messages import MessageRow

DATA = b"%PDF-1.7 hello"
ID = hashlib.sha256(DATA).hexdigest()
DOCUMENT = E2E.Message(
    documentMessage=E2E.DocumentMessage(
        mimetype="application/pdf",
        fileName="../../evil.html",
        fileSHA256=bytes.fromhex(ID),
        fileEncSHA256=b"e" * 32,
        mediaKey=b"k" * 32,
        directPath="/v/file?ccb=1",
        fileLength=len(DATA),
    )
)


class Holder(msgspec.Struct):
    """As much of a device as these handlers use."""

    shard: Shard
    media: Media
    settings: Settings
    id: str = "sales"


@pytest.fixture
async def holder(make: Callable[..., Running], shard: Shard, script: Script) -> Holder:
    script.files[ID] = DATA
    return Holder(shard, make().media, Settings())


def stored(shard: Shard, message: E2E.Message = DOCUMENT, **changes: object) -> None:
    fields: dict[str, object] = {
        "id": "M1",
        "chat": ALICE,
        "sender": ALICE,
        "from_me": False,
        "timestamp": NOON,
        "kind": "document",
        "content": "",
        "raw": message.SerializeToString(),
    }
    shard.write(lambda c: messages.add_message(c, MessageRow(**fields | changes))).result()  # type: ignore[arg-type]


async def download(holder: Holder, message: str = "M1", phone: str = ALICE) -> object:
    command = DownloadMessageMedia(message_id=message, phone=phone)
    return await download_message_media(holder, command)  # type: ignore[arg-type]


async def test_the_answer_says_where_the_file_is_served(holder: Holder, shard: Shard) -> None:
    stored(shard)
    path = f"statics/media/{device_key('sales')}/{ID}.pdf"
    assert {
        "message_id": "M1",
        "status": f"Media downloaded successfully to {path}",
        "media_type": "document",
        "filename": f"{ID}.pdf",
        "file_path": path,
        "file_size": len(DATA),
        "media_id": ID,
        "mime_type": "application/pdf",
        "file_url": "",
        "expires_at": "",
    } == msgspec.to_builtins(await download(holder))


async def test_a_file_is_downloaded_once(holder: Holder, shard: Shard, script: Script) -> None:
    stored(shard)
    assert await download(holder) == await download(holder)
    assert [ID] == script.asked


async def test_our_own_file_is_downloaded_too(holder: Holder, shard: Shard) -> None:
    stored(shard, sender=OWN, from_me=True)
    assert await download(holder)


async def test_a_chat_is_found_by_the_lid_of_its_number(holder: Holder, shard: Shard) -> None:
    stored(shard)
    shard.write(lambda c: messages.learn_lid(c, ALICE_LID, ALICE)).result()
    assert await download(holder, phone=ALICE_LID)


@pytest.mark.parametrize(("message", "phone"), [("M2", ALICE), ("M1", BOB)])
async def test_a_message_that_is_not_in_this_chat_is_not_found(
    holder: Holder, shard: Shard, message: str, phone: str
) -> None:
    stored(shard)
    with pytest.raises(Problem) as caught:
        await download(holder, message, phone)
    assert (404, "MESSAGE_NOT_FOUND") == (caught.value.status, caught.value.code)


async def test_a_text_has_no_file(holder: Holder, shard: Shard) -> None:
    stored(shard, E2E.Message(conversation="hi"), kind="text")
    with pytest.raises(Problem, match="no media") as caught:
        await download(holder)
    assert 400 == caught.value.status


async def test_the_front_gets_the_file_by_its_id(holder: Holder, shard: Shard) -> None:
    stored(shard)
    await download(holder)
    file = await fetch_media(holder, FetchMedia(media_id=ID))  # type: ignore[arg-type]
    assert (len(DATA), "application/pdf") == (file.size, file.mime_type)


async def test_a_file_that_no_message_told_of_is_not_found(holder: Holder) -> None:
    with pytest.raises(Problem, match="No message"):
        await fetch_media(holder, FetchMedia(media_id="0" * 64))  # type: ignore[arg-type]
