"""The sandbox's small parts, one by one."""

import asyncio
import zlib
from pathlib import Path

import pytest

from wagateway.sandbox import codes, websocket
from wagateway.sandbox.bell import Bell
from wagateway.sandbox.contents import Quoted, describe, device_sent, text_message
from wagateway.sandbox.disk import Disk
from wagateway.sandbox.faults import Faults
from wagateway.sandbox.history import make
from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.keys import KeyPair
from wagateway.whatsapp.protos import E2E
from wagateway.whatsapp.stanza import Jid, Node


def masked(opcode: int, payload: bytes, final: bool = True) -> bytes:
    mask = b"\x01\x02\x03\x04"
    body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return bytes([0x80 * final | opcode]) + length + mask + body


@pytest.mark.parametrize("size", [0, 1, 125, 126, 5000])
def test_a_websocket_message_is_read_however_it_is_cut(size: int) -> None:
    payload = bytes(at % 251 for at in range(size))
    stream = masked(websocket.BINARY, payload) * 2
    reader = websocket.Reader()
    got = [message for at in range(len(stream)) for message in reader.feed(stream[at : at + 1])]
    assert [(websocket.BINARY, payload)] * 2 == got


def test_a_fragmented_websocket_message_is_put_together_around_a_ping() -> None:
    stream = masked(2, b"one ", final=False) + masked(websocket.PING, b"?") + masked(0, b"two")
    assert [(websocket.PING, b"?"), (2, b"one two")] == websocket.Reader().feed(stream)


def test_an_unmasked_websocket_frame_is_refused() -> None:
    with pytest.raises(ProtocolError):
        websocket.Reader().feed(b"\x82\x01x")


def test_the_handshake_answer_is_that_of_the_rfc() -> None:
    assert "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" == websocket.accept("dGhlIHNhbXBsZSBub25jZQ==")


def test_the_disk_keeps_what_was_flushed(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "kept.db")
    disk.put("a/1", lambda: b"one")
    disk.put("a/2", lambda: b"two")
    disk.put("b/1", lambda: b"other")
    disk.flush()
    disk.put("a/3", lambda: b"three")
    disk.drop("a/1")
    disk.close()
    again = Disk(tmp_path / "kept.db")
    assert [("2", b"two"), ("3", b"three")] == list(again.under("a/"))
    assert (b"other", None) == (again.get("b/1"), again.get("a/1"))
    again.close()


def test_a_value_is_encoded_once_per_flush(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "kept.db")
    calls: list[int] = []

    def encoded() -> bytes:
        calls.append(len(calls))
        return b"value"

    for _ in range(5):
        disk.put("key", encoded)
    disk.close()
    assert [0] == calls


def test_a_pairing_code_hides_a_key() -> None:
    key = KeyPair.generate().public
    wrapped = codes.wrap(b"ABCDEFGH", key)
    assert (80, key) == (len(wrapped), codes.unwrap(b"ABCDEFGH", wrapped))
    assert key != codes.unwrap(b"ABCDEFGX", wrapped)


async def test_a_bell_wakes_who_waits_and_gives_up_in_time() -> None:
    bell = Bell()
    rung: list[int] = []
    waiting = asyncio.create_task(bell.until(lambda: bool(rung), 5))
    bell.ring()
    rung.append(1)
    bell.ring()
    assert await waiting
    assert not await bell.until(lambda: False, 0)


async def test_faults_end_when_they_have_happened_often_enough() -> None:
    faults = Faults()
    faults.reject("1", 2, 463)
    faults.withhold("1", 1)
    faults.fail_logins("1", 1, Node("failure"))
    faults.garble("1", 1)
    assert [True, False] == [faults.garbles("1") for _ in range(2)]
    assert [463, 463, 0] == [faults.rejected("1") for _ in range(3)]
    assert [None, 0.0] == [faults.ack_delay("1") for _ in range(2)]
    assert [True, False] == [faults.failing("1") is not None for _ in range(2)]
    assert 0 == faults.rejected("2")


async def test_connections_are_refused_for_a_while() -> None:
    faults = Faults()
    faults.refuse("1", 60)
    assert (True, False, False) == (faults.refuses("1"), faults.refuses("2"), faults.refuses())
    faults.refuse("1", 0)
    assert not faults.refuses("1")


def test_a_text_is_described_with_what_it_replies_to_and_mentions() -> None:
    facts = describe(
        text_message("hi", Quoted(id="ID", author="1@s.whatsapp.net", message=None), ["2@s.whatsapp.net"])
    )
    assert facts is not None
    assert ("hi", "text", "ID", ["2@s.whatsapp.net"]) == (
        facts["text"], facts["kind"], facts["quoted_id"], facts["mentions"],
    )  # fmt: skip


def test_a_copy_of_an_own_message_holds_the_message() -> None:
    copy = device_sent(Jid("1", "lid"), text_message("hi", None, []))
    assert "hi" == copy.deviceSentMessage.message.conversation


def test_a_message_of_keys_alone_says_nothing() -> None:
    message = E2E.Message()
    message.senderKeyDistributionMessage.groupID = "g"
    assert describe(message) is None


def test_a_reaction_is_described_by_its_kind() -> None:
    message = E2E.Message(reactionMessage=E2E.ReactionMessage(text="!"))
    facts = describe(message)
    assert facts is not None
    assert ("reactionMessage", "!") == (facts["kind"], facts["text"])


def test_a_history_has_about_the_wanted_size() -> None:
    size = len(zlib.decompress(make(200_000, 5)))
    assert 160_000 < size < 240_000
