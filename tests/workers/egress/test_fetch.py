"""Files and pages come by URL, whole, hashed and named."""

import gzip
import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workers.egress.conftest import BODY, Site, answer, get, moved, page
from workers.egress import Egress, Fetched, Page, Rules


async def test_a_file_is_fetched_hashed_and_private(server: Site, reach: Egress, into: Path) -> None:
    server.answers["/a/photo.JPG?x=1"] = answer(BODY, Content_Type="Image/JPEG; x=y")
    expected = Fetched(
        path=into,
        size=len(BODY),
        sha256=hashlib.sha256(BODY).hexdigest(),
        mime_type="image/jpeg",
        name="photo.JPG",
        url=server.url("/a/photo.JPG?x=1"),
    )
    assert expected == await get(reach, server.url("/a/photo.JPG?x=1#top"), into)
    assert BODY == into.read_bytes()
    assert 0o600 == into.stat().st_mode & 0o777


async def test_a_request_tells_nothing_but_its_name(
    server: Site, reach: Egress, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://user:secret@127.0.0.1:9/")
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@127.0.0.1:9/")
    monkeypatch.setenv("NETRC", str(into.parent / "netrc"))
    (into.parent / "netrc").write_text("machine 127.0.0.1 login user password secret")
    server.answers["/"] = moved("/b", "301 Moved")
    server.answers["/b"] = answer(b"x", Set_Cookie="a=b")
    await get(reach, server.url(), into)
    await page(reach, server.url("/b"))
    for head in server.asked:
        names = {line.partition(":")[0] for line in head.splitlines()[1:] if line}
        assert {"Host", "User-Agent", "Accept", "Accept-Encoding"} == names
        assert "User-Agent: wagateway/" in head
        assert "Accept-Encoding: identity" in head


async def test_nothing_is_opened_before_the_first_request() -> None:
    async with Egress(Rules()) as reach:
        assert reach._session is None


async def test_an_answer_without_length_ends_with_the_connection(
    server: Site, reach: Egress, into: Path
) -> None:
    server.answers["/"] = b"HTTP/1.1 200 OK\r\n\r\n" + BODY
    assert len(BODY) == (await get(reach, server.url(), into)).size


async def test_a_chunked_answer_is_put_together(server: Site, reach: Egress, into: Path) -> None:
    server.answers["/"] = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    await get(reach, server.url(), into)
    assert b"abcde" == into.read_bytes()


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_an_answer_that_is_compressed_unasked_is_unpacked(
    server: Site, reach: Egress, into: Path, coding: str, pack: Callable[[bytes], bytes]
) -> None:
    server.answers["/"] = answer(pack(BODY), Content_Encoding=coding)
    await get(reach, server.url(), into)
    assert BODY == into.read_bytes()


@pytest.mark.parametrize(
    ("path", "header", "name"),
    [
        ("/x/report.pdf?a=/b.txt", "", "report.pdf"),
        ("/x/r%C3%A9sum%C3%A9%20.pdf", "", "r\u00e9sum\u00e9 .pdf"),
        ("/x/..%2F..%2Fetc%2Fpasswd.txt", "", "passwd.txt"),
        ("/", "", ""),
        ("/get", 'attachment; filename="a b.pdf"', "a b.pdf"),
        ("/get.php", "attachment; filename=plain.pdf; size=3", "plain.pdf"),
        ("/get", "attachment; filename=\"x\"; filename*=UTF-8''%e2%82%ac.pdf", "\u20ac.pdf"),
        ("/get", 'attachment; filename="../../.ssh/id"', "id"),
        ("/get", 'attachment; filename="C:\\\\dir\\\\x.doc"', "x.doc"),
        ("/get", "attachment; filename*=UTF-8''a%0d%0ab%00%e2%80%aefdp.exe", "abfdp.exe"),
        ("/get", "attachment; filename*" + "9" * 5000 + "=1", "get"),
        ("/get", 'attachment; filename="' + "a" * 300 + '.pdf"', "a" * 251 + ".pdf"),
    ],
)
async def test_the_name_is_one_that_can_be_shown(
    server: Site, reach: Egress, into: Path, path: str, header: str, name: str
) -> None:
    headers = {"Content_Disposition": header} if header else {}
    server.answers[path] = answer(b"x", **headers)
    assert name == (await get(reach, server.url(path), into)).name


@pytest.mark.parametrize(
    ("told", "mime_type"), [("", "application/octet-stream"), ("a/b/c", "application/octet-stream")]
)
async def test_a_type_that_is_none_is_unknown(
    server: Site, reach: Egress, into: Path, told: str, mime_type: str
) -> None:
    server.answers["/"] = answer(b"x", Content_Type=told)
    assert mime_type == (await get(reach, server.url(), into, accept=("image/*",))).mime_type


async def test_a_page_is_read_as_far_as_wanted(server: Site, reach: Egress) -> None:
    server.answers["/"] = answer(BODY, Content_Type='text/html; charset="ISO-8859-1"')
    expected = Page(BODY[:1000], "text/html", "iso-8859-1", server.url())
    assert expected == await page(reach, server.url())


async def test_a_method_and_a_body_of_the_caller_are_sent_and_redirects_left_to_it(
    server: Site, reach: Egress
) -> None:
    server.answers["/hook"] = moved("http://169.254.169.254/")
    async with reach.request(
        "POST", server.url("/hook"), "webhook", headers={"X": "y"}, data=b"{}"
    ) as response:
        assert 302 == response.status
    assert "X: y" in server.asked[0]
