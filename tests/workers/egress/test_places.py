"""Only checked addresses are connected to, whatever a name or a redirect says."""

import asyncio
import socket
from pathlib import Path

import pytest

from tests.workers.egress.conftest import Site, answer, egress, get, moved, refused
from wagateway.contract import Problem
from workers.egress import Egress, Rules
from workers.egress.egress import Patience
from workers.egress.lookup import Denied


async def test_a_name_is_looked_up_once_and_only_what_was_checked_is_connected_to(
    server: Site, into: Path
) -> None:
    asked: list[str] = []

    async def rebinding(name: str) -> list[str]:
        asked.append(name)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    server.answers["/"] = answer(b"x")
    async with egress(server, lookup=rebinding) as reach:
        await get(reach, server.url("/", host="example.com"), into)
    assert ["example.com"] == asked
    assert f"Host: example.com:{server.port}" in server.asked[0]


async def test_a_redirect_to_the_same_name_is_looked_up_and_checked_anew(server: Site, into: Path) -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"]]

    async def rebinding(name: str) -> list[str]:
        return answers.pop(0)

    server.answers["/"] = moved("/b", "302 Found").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    async with egress(server, lookup=rebinding) as reach:
        with refused("URL_NOT_ALLOWED", "the address is private", into):
            await get(reach, server.url("/", host="example.com"), into)
    assert 1 == len(server.asked)


@pytest.mark.parametrize(
    "bad", ["10.0.0.1", "::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "fe80::1%1"]
)
async def test_one_refused_address_among_many_refuses_the_name(server: Site, into: Path, bad: str) -> None:
    async def lookup(name: str) -> list[str]:
        return ["127.0.0.1", bad]

    async with egress(server, lookup=lookup) as reach:
        with refused("URL_NOT_ALLOWED", "may not be fetched from", into):
            await get(reach, server.url("/", host="example.com"), into)
    assert [] == server.asked


async def test_the_problem_tells_no_address_of_a_name(server: Site, into: Path) -> None:
    async def lookup(name: str) -> list[str]:
        return ["10.9.8.7"]

    async with egress(server, lookup=lookup) as reach:
        with pytest.raises(Problem) as caught:
            await get(reach, "http://intranet/", into)
    assert "10.9.8.7" not in repr(caught.value.message)


async def test_an_unknown_name_is_a_failed_fetch(reach: Egress, into: Path) -> None:
    with refused("URL_FETCH_FAILED", "the host name has no address", into):
        await get(reach, "http://nowhere.example/", into)


async def test_a_name_with_no_answer_is_a_failed_fetch(server: Site, into: Path) -> None:
    async def lookup(name: str) -> list[str]:
        return []

    async with egress(server, lookup=lookup) as reach:
        with refused("URL_FETCH_FAILED", "the host name has no address", into):
            await get(reach, "http://nowhere.example/", into)


async def test_a_slow_lookup_is_a_timeout(server: Site, into: Path) -> None:
    async def lookup(name: str) -> list[str]:
        await asyncio.Event().wait()
        return []

    async with egress(server, lookup=lookup, patience=Patience(lookup=0.02)) as reach:
        with refused("URL_TIMEOUT", "in time", into):
            await get(reach, "http://nowhere.example/", into)


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"])
def test_the_socket_itself_is_refused_whatever_led_to_it(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(Denied):
        egress()._socket((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 80)))


async def test_the_system_knows_localhost_and_it_is_refused(into: Path) -> None:
    async with Egress(Rules()) as reach:
        with refused("URL_NOT_ALLOWED", "the address is loopback", into):
            await get(reach, "http://localhost/", into)


async def test_a_closed_port_is_a_failed_fetch(server: Site, into: Path) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        nobody = Site("http")
        nobody.port = unheard.getsockname()[1]
        async with egress(nobody) as reach:
            with refused("URL_FETCH_FAILED", "cannot be reached", into):
                await get(reach, nobody.url(), into)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("http://169.254.169.254/latest/meta-data", "link-local"),
        ("http://[::ffff:10.0.0.1]/", "an IPv4 address in another form"),
        ("http://[::1]/", "loopback"),
        ("http://2852039166/", "link-local"),
        ("//0x7f.2/", "loopback"),
        ("file:///etc/passwd", "only http and https"),
        ("gopher://127.0.0.1:70/_x", "only http and https"),
        ("javascript:alert(1)", "only http and https"),
        ("http://127.0.0.1:22/", "port 22"),
        ("http://user:secret@127.0.0.1/", "user name or password"),
        ("http://intranet.example/", "loopback"),
    ],
)
async def test_a_redirect_to_a_refused_place_is_refused(
    server: Site, into: Path, place: str, text: str
) -> None:
    async def lookup(name: str) -> list[str]:
        return ["127.0.0.99"]

    server.answers["/"] = moved(place)
    async with egress(server, lookup=lookup) as reach:
        with refused("URL_NOT_ALLOWED", text, into):
            await get(reach, server.url(), into)


@pytest.mark.parametrize("place", ["http://[::1", "http://a:99999/", "http://h\\x/", "http://:80/"])
async def test_a_redirect_to_no_url_is_a_failed_fetch(
    server: Site, reach: Egress, into: Path, place: str
) -> None:
    server.answers["/"] = moved(place)
    with refused("URL_FETCH_FAILED", "not a valid URL", into):
        await get(reach, server.url(), into)


async def test_three_redirects_are_followed(server: Site, reach: Egress, into: Path) -> None:
    for number, status in enumerate(("301 x", "303 x", "308 x")):
        server.answers[f"/{number}.png"] = moved(f"{number + 1}.png", status)
    server.answers["/3.png"] = answer(b"x")
    got = await get(reach, server.url("/0.png"), into)
    assert (server.url("/3.png"), "0.png") == (got.url, got.name)


async def test_a_fourth_redirect_is_not_followed(server: Site, reach: Egress, into: Path) -> None:
    server.answers["/"] = moved("/")
    with refused("URL_FETCH_FAILED", "more than 3 times", into):
        await get(reach, server.url(), into)
    assert 4 == len(server.asked)


async def test_a_redirect_to_nowhere_is_bounded_as_well(server: Site, reach: Egress, into: Path) -> None:
    server.answers["/"] = answer(status="302 Found")
    with refused("URL_FETCH_FAILED", "more than 3 times", into):
        await get(reach, server.url(), into)
