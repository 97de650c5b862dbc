"""No input, on any route, is answered with more than a clear refusal."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.front.conftest import Answer, Stage
from tests.front.samples import DEVICE, Sample, samples

SAMPLES = list(samples())
BAD_IDS = ["..", "../..", "../../etc/passwd", "x" * 300, "a\0b", "😀", "a b", "%", "-", "é", "a\nb", "."]
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BODIES: dict[str, tuple[dict[str, str], bytes]] = {
    "malformed": (JSON, b'{"phone": '),
    "two values": (JSON, b"{}{}"),
    "array": (JSON, b"[]"),
    "string": (JSON, b'"x"'),
    "null": (JSON, b"null"),
    "deep": (JSON, b'{"a":' * 50_000),
    "1 MB of nesting": (JSON, b'{"a":[' * 166_000),
    "deep array": (JSON, b'{"phone":' + b"[" * 50_000),
    "not UTF-8": (JSON, b'{"phone": "\xff"}'),
    "NUL": (JSON, b'{"phone": "\x00"}'),
    "lone surrogate": (JSON, b'{"phone": "\\ud800"}'),
    "huge number": (JSON, b'{"phone": 1e999}'),
    "UTF-16": (JSON, '{"phone": "1"}'.encode("utf-16")),
    "unknown field": (JSON, b'{"no_such_field": 1}'),
    "form not UTF-8": (FORM, b"phone=%ff"),
    "form with raw bytes": (FORM, b"phone=\xff"),
    "form that is JSON": (FORM, b'{"phone": "1"}'),
    "form with many fields": (FORM, b"&".join(b"a=1" for _ in range(5000))),
    "text": ({"Content-Type": "text/plain"}, b"hello"),
    "unknown type": ({"Content-Type": "x/y"}, b"hello"),
    "broken type": ({"Content-Type": "😀".encode().decode("latin-1")}, b"hello"),
    "no boundary": ({"Content-Type": "multipart/form-data"}, b"hello"),
    "broken multipart": ({"Content-Type": "multipart/form-data; boundary=x"}, b"hello"),
    "cut multipart": (
        {"Content-Type": "multipart/form-data; boundary=x"},
        b'--x\r\nContent-Disposition: form-data; name="phone"\r\n\r\n12',
    ),
    "nameless part": (
        {"Content-Type": "multipart/form-data; boundary=x"},
        b"--x\r\nContent-Type: text/plain\r\n\r\n12\r\n--x--\r\n",
    ),
    "nested multipart": (
        {"Content-Type": "multipart/form-data; boundary=x"},
        b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\n1\r\n--y--\r\n--x--\r\n",
    ),
    "part not in its charset": (
        {"Content-Type": "multipart/form-data; boundary=x"},
        (
            b'--x\r\nContent-Disposition: form-data; name="phone"\r\nContent-Type: text/plain; charset=nope'
            b"\r\n\r\n\xff\r\n--x--\r\n"
        ),
    ),
    "broken gzip": ({**JSON, "Content-Encoding": "gzip"}, b"hello"),
}


@pytest.fixture
async def device(stage: Stage) -> Stage:
    stage.add(DEVICE, jid="628111@s.whatsapp.net", worker="running")
    stage.add("other", worker="running")
    return stage


def refused(answer: Answer, *what: object) -> None:
    assert answer.status in (400, 401, 404, 405, 413, 415), (*what, answer)
    assert "application/json" == answer.headers["Content-Type"], what
    assert answer.code.isupper(), what
    assert answer.message, what
    for leak in (b"Traceback", b"<class", b"object at 0x"):
        assert leak not in answer.raw, what


async def test_a_bad_body_is_refused_on_every_route_that_takes_one(device: Stage) -> None:
    for sample in SAMPLES:
        if sample.route.method == "GET":
            continue
        for name, (headers, data) in BODIES.items():
            answer = await device.call(
                sample.route.method, sample.path, DEVICE, data=data, headers={**headers}
            )
            refused(answer, sample.route, name)
            assert 400 == answer.status, (sample.route, name, answer)
    assert [] == device.asked


async def test_a_bad_query_is_refused_on_every_route(device: Stage) -> None:
    for sample in SAMPLES:
        for query in ("no_such_field=1", "%ff=1", "a=%ff", "=1", "%00=1", "&".join(["a=1"] * 500)):
            answer = await device.call(sample.route.method, f"{sample.path}?{query}", DEVICE)
            refused(answer, sample.route, query)
    assert [] == device.asked


async def test_a_bad_id_in_the_path_is_refused_on_every_route(device: Stage) -> None:
    for sample in SAMPLES:
        if "{device_id}" not in sample.route.path:
            continue
        for bad in BAD_IDS:
            path = sample.route.path.replace("{device_id}", quote(bad, safe=""))
            answer = await device.call(sample.route.method, path, **sample.request)
            refused(answer, sample.route, bad)
            assert answer.code in ("VALIDATION_ERROR", "DEVICE_NOT_FOUND")
    assert [] == device.asked


async def test_a_bad_id_in_header_or_query_is_refused_on_every_route(device: Stage) -> None:
    for sample in SAMPLES:
        if sample.command.target == "sandbox" or "/devices" in sample.route.path:
            continue
        if sample.route.path.startswith("/webhooks"):  # of the whole gateway
            continue
        for bad in BAD_IDS:
            headers = {"X-Device-Id": quote(bad, safe="")}
            refused(await _call(device, sample, "", headers), sample.route, bad)
            if bad not in ("a\0b", "a\nb", "😀"):  # what an HTTP header cannot carry as it is
                refused(await _call(device, sample, "", {"X-Device-Id": bad}), sample.route, bad)
            query = f"?device_id={quote(bad, safe='')}"
            refused(await _call(device, sample, query, {}), sample.route, bad)
    assert [] == device.asked


async def _call(stage: Stage, sample: Sample, query: str, headers: dict[str, str]) -> Answer:
    values: dict[str, Any] = dict(sample.request)
    for name, value in values.pop("params", {}).items():
        query += ("&" if query else "?") + f"{name}={quote(value, safe='')}"
    return await stage.call(sample.route.method, sample.path + query, headers=headers, **values)


@pytest.mark.parametrize("segment", ["%ff", "%00", "x" * 300, "%F0%9F%98%80", "..%2f.."])
async def test_a_bad_chat_is_refused_or_left_to_the_worker(device: Stage, segment: str) -> None:
    answer = await device.call("GET", f"/chat/{segment}/messages", DEVICE)
    assert answer.status in (400, 404, 418)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET /app/status HTTP/9.9\r\n\r\n",
        b"GET /app/status\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Device-Id: a\x00b\r\n\r\n",
        b"POST /devices HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /devices HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_what_is_not_http_gets_a_400_in_json(device: Stage, raw: bytes) -> None:
    answer = await device.raw(raw)
    assert b" 400 " == answer[8:13], answer
    assert b'"code":"BAD_REQUEST"' in answer


async def test_broken_chunks_are_a_400(device: Stage) -> None:
    head = b"POST /devices HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    answer = await device.raw(head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n")
    assert b" 400 " == answer[8:13], answer


async def test_header_bytes_that_are_not_utf8_are_refused(device: Stage) -> None:
    end = b"Host: x\r\nConnection: close\r\n\r\n"
    answer = await device.raw(b"GET /app/status HTTP/1.1\r\nX-Device-Id: \xff\xfe\r\n" + end)
    assert b" 400 " == answer[8:13], answer
    body = b'{"phone":"1","message":"x"}'
    answer = await device.raw(
        b"POST /send/message?device_id=shop-1 HTTP/1.1\r\nIdempotency-Key: \xff\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body) + end + body
    )
    assert b" 400 " == answer[8:13], answer


@pytest.mark.parametrize(
    ("field", "moment"),
    [("end_time", "9999-12-31T23:59:59-12:00"), ("start_time", "0001-01-01T00:00:00%2B12:00")],
)
async def test_a_time_beyond_the_calendar_is_named(device: Stage, field: str, moment: str) -> None:
    answer = await device.call("GET", f"/chat/628111/messages?{field}={moment}", DEVICE)
    assert (400, "VALIDATION_ERROR") == (answer.status, answer.body["code"])
    assert answer.body["message"].startswith(f"{field}:")
