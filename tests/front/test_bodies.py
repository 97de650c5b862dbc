"""Every way in which values come with a request."""

import asyncio
import gzip
import io
import json
from typing import Any

import aiohttp
import pytest

from tests.front.conftest import Answer, Stage, Staging

SEND = {"phone": "628123", "message": "hi"}


@pytest.fixture(autouse=True)
async def device(stage: Stage) -> None:
    stage.add("a", jid="1@s.whatsapp.net", worker="running")


async def send(stage: Stage, **options: Any) -> Answer:
    return await stage.call("POST", "/send/message", "a", **options)


def expect(answer: Answer, **values: Any) -> None:
    assert "SendMessage" == answer.code, answer.raw
    assert values == {name: answer.body["result"][name] for name in values}


async def test_json(stage: Stage) -> None:
    body = {**SEND, "duration": 86400, "is_forwarded": True, "mentions": ["1", "@everyone"]}
    expect(await send(stage, json=body), **body)


async def test_json_with_a_charset_or_a_vendor_type(stage: Stage) -> None:
    for kind in ("application/json; charset=utf-8", "application/vnd.api+json", "Application/JSON"):
        body = json.dumps({**SEND, "message": "héllo 😀"}, ensure_ascii=False).encode()
        expect(await send(stage, data=body, headers={"Content-Type": kind}), message="héllo 😀")


async def test_compressed_json(stage: Stage) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    expect(await send(stage, data=gzip.compress(json.dumps(SEND).encode()), headers=headers), **SEND)


async def test_a_form(stage: Stage) -> None:
    form = [*SEND.items(), ("duration", "604800"), ("is_forwarded", "on")]
    form += [("mentions", "1"), ("mentions", "2,3"), ("mentions[]", "@everyone")]
    expect(
        await send(stage, data=aiohttp.FormData(form)),
        **SEND,
        duration=604800,
        is_forwarded=True,
        mentions=["1", "2,3", "@everyone"],
    )


@pytest.mark.parametrize("text", ["on", "true", "True", "1", "t", "TRUE"])
async def test_truth_in_a_form(stage: Stage, text: str) -> None:
    expect(await send(stage, data={**SEND, "is_forwarded": text}), is_forwarded=True)


@pytest.mark.parametrize("text", ["off", "false", "0", "f", ""])
async def test_falsehood_in_a_form(stage: Stage, text: str) -> None:
    expect(await send(stage, data={**SEND, "is_forwarded": text}), is_forwarded=False)


async def test_multipart(stage: Stage) -> None:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in {**SEND, "duration": "0", "is_forwarded": "true"}.items():
        form.add_field(name, value)
    form.add_field("mentions", "1")
    form.add_field("mentions", "2")
    expect(await send(stage, data=form), **SEND, is_forwarded=True, mentions=["1", "2"])


async def test_query(stage: Stage) -> None:
    query = "is_from_me=true&limit=7&media_only=1&start_time=2026-01-01T10:00:00Z&search=a%20b"
    answer = await stage.call("GET", f"/chat/628%40s.whatsapp.net/messages?{query}", "a")
    got = answer.body["result"]
    assert ("ListMessages", "628@s.whatsapp.net", 7) == (answer.code, got["chat_jid"], got["limit"])
    assert (True, True, "a b") == (got["is_from_me"], got["media_only"], got["search"])
    assert "2026-01-01T10:00:00Z" == got["start_time"]


async def test_lists_in_a_query_take_commas_and_repetition(stage: Stage) -> None:
    answer = await stage.call("POST", "/send/message?mentions=1,2&mentions[]=3", "a", json=SEND)
    expect(answer, mentions=["1", "2", "3"])


async def test_query_and_body_are_taken_together(stage: Stage) -> None:
    answer = await stage.call("POST", "/devices/a/login/code?phone=628999")
    assert ("LoginWithCode", "628999") == (answer.code, answer.body["result"]["phone"])
    answer = await stage.call("POST", "/devices/a/login/code", json={"phone": "628999"})
    assert ("LoginWithCode", "628999") == (answer.code, answer.body["result"]["phone"])


async def test_the_idempotency_key_comes_from_its_header(stage: Stage) -> None:
    answer = await send(stage, json=SEND, headers={"Idempotency-Key": "order-7"})
    expect(answer, idempotency_key="order-7")


async def test_null_and_blank_mean_absent_for_what_is_optional(stage: Stage) -> None:
    body = {**SEND, "mentions": None, "is_forwarded": None, "duration": None, "reply_message_id": ""}
    expect(await send(stage, json=body), mentions=[], is_forwarded=False, duration=0, reply_message_id=None)


async def test_no_body_no_type_and_an_unknown_type_do_where_nothing_is_required(stage: Stage) -> None:
    for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/json"}):
        answer = await stage.call("POST", "/devices", headers=headers)
        assert ("CreateDevice", None) == (answer.code, answer.body["result"]["device_id"])
    assert b"CreateDevice" in await stage.raw(
        b"POST /devices HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    )


async def test_a_client_that_waits_for_100_continue_is_told_to_go_on(stage: Stage) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    head = "POST /devices HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 18\r\n\r\n".encode())
    async with asyncio.timeout(5):
        assert b"HTTP/1.1 100 Continue\r\n" == await reader.readline()
        writer.write(b'{"device_id": "x"}')
        rest = await reader.read()
    assert b"CreateDevice" in rest
    writer.close()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "message: cannot be blank; phone: cannot be blank."),
        ({"phone": "", "message": "x"}, "phone: cannot be blank."),
        ({"phone": None, "message": "x"}, "phone: cannot be blank."),
        ({**SEND, "phone": 628}, "phone: Expected `str`, got `int`."),
        ({**SEND, "is_forwarded": "true"}, "is_forwarded: Expected `bool`, got `str`."),
        ({**SEND, "duration": 5}, "duration: must be one of 0, 86400, 604800, 7776000."),
        ({**SEND, "mentions": "1"}, "mentions: Expected `array`, got `str`."),
        ({**SEND, "mentions": ["1", 2]}, "mentions[1]: Expected `str`, got `int`."),
        ({**SEND, "surprise": 1}, "surprise: is not a field of this request."),
        ({**SEND, "message": "a\0b"}, "message: must not contain a NUL character."),
        ({**SEND, "device_id": "a"}, "device_id: is not a field of this request."),
    ],
)
async def test_a_bad_value_is_400_and_named(stage: Stage, body: dict[str, Any], message: str) -> None:
    answer = await send(stage, json=body)
    assert (400, "VALIDATION_ERROR", message) == (answer.status, answer.code, answer.message)
    assert [] == stage.asked


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=101", "limit: Expected `int` <= 100."),
        ("limit=-1", "limit: Expected `int` >= 0."),
        ("limit=ten", "limit: Expected `int`, got `str`."),
        ("limit=1&limit=2", "limit: must be given once."),
        ("archived=perhaps", "archived: Expected `bool | null`, got `str`."),
        ("nonsense=1", "nonsense: is not a field of this request."),
        ("search=a%00b", "search: must not contain a NUL character."),
    ],
)
async def test_a_bad_query_is_400_and_named(stage: Stage, query: str, message: str) -> None:
    answer = await stage.call("GET", f"/chats?{query}", "a")
    assert (400, "VALIDATION_ERROR", message) == (answer.status, answer.code, answer.message)


@pytest.mark.parametrize("device_id", ["../x", "a/b", "x" * 300, "a\0", "😀", "-a", " a"])
async def test_a_bad_new_id_is_400_and_named(stage: Stage, device_id: str) -> None:
    answer = await stage.call("POST", "/devices", json={"device_id": device_id})
    assert (400, "VALIDATION_ERROR") == (answer.status, answer.code)
    assert answer.message.startswith("device_id: ")


async def test_a_file_is_refused_by_name(stage: Stage) -> None:
    form = aiohttp.FormData(SEND)
    form.add_field("message", b"x", filename="x.txt")
    answer = await send(stage, data=form)
    assert (400, "VALIDATION_ERROR") == (answer.status, answer.code)


@pytest.mark.parametrize(
    ("latitude", "expected"), [("-7.79", -7.79), (-7.79, -7.79), ("90", 90.0), (0, 0.0), ("1e1", 10.0)]
)
async def test_degrees_may_be_texts_in_json_too(stage: Stage, latitude: object, expected: float) -> None:
    body = {"phone": "628123", "latitude": latitude, "longitude": "110.37"}
    answer = await stage.call("POST", "/send/location", "a", json=body)
    got = answer.body["result"]
    assert ("SendLocation", expected, 110.37) == (answer.code, got["latitude"], got["longitude"])


@pytest.mark.parametrize("latitude", ["nan", "inf", "91", "7,5", "x", "1e400", " 7", True, [1], "\0", "٣"])
async def test_other_texts_are_no_degrees(stage: Stage, latitude: object) -> None:
    body = {"phone": "628123", "latitude": latitude, "longitude": 0}
    answer = await stage.call("POST", "/send/location", "a", json=body)
    assert (400, "VALIDATION_ERROR") == (answer.status, answer.code)
    assert answer.message.startswith("latitude: ")


async def test_too_large_a_body_is_413(stage: Stage) -> None:
    headers = {"Content-Type": "application/json"}
    large = b'{"message": "' + b"x" * 2**20 + b'"}'

    async def chunks() -> Any:
        yield large

    for data in (io.BytesIO(large), chunks()):
        answer = await send(stage, data=data, headers=headers)
        assert (413, "PAYLOAD_TOO_LARGE") == (answer.status, answer.code)
    bomb = gzip.compress(b"x" * 2**24)
    answer = await send(stage, data=bomb, headers={**headers, "Content-Encoding": "gzip"})
    assert (413, "PAYLOAD_TOO_LARGE") == (answer.status, answer.code)


async def test_a_body_that_does_not_come_is_408(staging: Staging) -> None:
    stage = await staging(body_seconds=0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    head = b"POST /devices HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n"
    writer.write(head + b"\r\n{")
    answer = await reader.readuntil(b"}")
    assert b"HTTP/1.1 408" == answer[:12]
    assert b'"code":"REQUEST_TIMEOUT"' in answer
    writer.close()
