"""Which URLs and addresses are refused before a byte leaves."""

import ipaddress
import json
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from wagateway.contract import Problem
from wagateway.settings import Settings
from workers.egress import Egress, Rules, fetch
from workers.egress import rules as rules_module
from workers.egress.rules import is_own
from workers.egress.target import checked

TABLE = json.loads((Path(__file__).parent / "urls.json").read_text())
REFUSED = [
    *(f"http://{text}/x" for text in TABLE["IPv4 addresses"]),
    *(f"https://[{text}]/x" for text in TABLE["IPv6 addresses"]),
    *(f"http://{text}:8080/latest/meta-data" for text in TABLE["spellings of IPv4 addresses"]),
    *(f"http://{text}/" for text in TABLE["no hosts"]),
    *TABLE["URLs"],
]


def test_the_table_is_long_enough() -> None:
    assert len(REFUSED) >= 250
    assert len(set(REFUSED)) == len(REFUSED)


@pytest.mark.parametrize("url", REFUSED, ids=ascii)
async def test_a_url_is_refused(url: str, tmp_path: Path) -> None:
    async def lookup(name: str) -> list[str]:
        raise AssertionError(f"{name} was looked up")

    async with Egress(Rules(), lookup=lookup) as egress:
        with pytest.raises(Problem) as caught:
            await fetch(egress, url, tmp_path / "file", most=1, seconds=5, field="image_url")
    assert (400, "URL_NOT_ALLOWED") == (caught.value.status, caught.value.code)
    assert caught.value.message.startswith("image_url: ")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(("url", "connected"), TABLE["allowed"])
def test_a_public_url_is_made_canonical(url: str, connected: str) -> None:
    assert connected == str(checked(Rules(), url, "image_url"))


def test_the_refusal_names_the_rule_and_no_address() -> None:
    with pytest.raises(Problem) as caught:
        checked(Rules(), "http://0x0a000001/", "link")
    assert (
        "link: the address is private and may not be fetched from; --egress-allow can permit it"
        == caught.value.message
    )


def test_what_python_knows_to_be_special_is_refused() -> None:
    # The standard library's own copy of IANA's registries, which grows with Python.
    private = [*ipaddress._IPv4Constants._private_networks, *ipaddress._IPv6Constants._private_networks]  # type: ignore[attr-defined]
    for network in private:
        for address in (network[0], network[-1]):
            assert Rules().refusal(address), address


def test_the_edges_of_the_networks_are_exact() -> None:
    outside = "9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 172.15.255.255 "
    outside += "172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 1.0.0.0 "
    outside += "2001:200:: 2003:: 2a00:: 2620:4f:7fff::1 2001:db7::1 3ffe::1"
    assert [] == [text for text in outside.split() if Rules().refusal(ip_address(text))]


@pytest.mark.parametrize(
    ("allow", "address", "refusal"),
    [
        ("10.1.0.0/16", "10.1.2.3", ""),
        ("10.1.0.0/16", "10.2.0.1", "private"),
        ("127.0.0.1/32", "127.0.0.1", ""),
        ("127.0.0.1/32", "127.0.0.2", "loopback"),
        ("127.0.0.1/32", "::ffff:127.0.0.1", "an IPv4 address in another form"),
        ("::ffff:0:0/96", "::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::/96", "64:ff9b::8.8.8.8", ""),
        ("64:ff9b::/96", "64:ff9b::169.254.169.254", "link-local, where clouds keep their metadata"),
        ("64:ff9b:1:7::/96", "64:ff9b:1:7::10.0.0.1", "private"),
        ("64:ff9b:1:7::/96", "64:ff9b:1:7::8.8.8.8", ""),
        ("2002::/16", "2002:808:808::1", ""),
        ("2002::/16", "2002:a00:1::1", "private"),
        ("2001::/32", "2001:0:808:808:0:0:f5ff:fffe", "private"),
        ("2001::/32", "2001:0:a00:1:0:0:f7f7:f7f7", "private"),
        ("2001::/32", "2001:0:808:808:0:0:f7f7:f7f7", ""),
        ("fd00::/8", "fd00:ec2::254", ""),
        ("2a00::/16", "2a00::5efe:10.0.0.1", "private"),
    ],
)
def test_what_the_operator_allows_is_allowed_and_no_more(allow: str, address: str, refusal: str) -> None:
    assert refusal == Rules(allow=(ip_network(allow),)).refusal(ip_address(address))


def test_the_rules_are_those_of_the_settings() -> None:
    settings = Settings(egress_allow=["10.1.2.3/16", "::1"], egress_ports=["443", "9000"])
    expected = Rules(allow=(ip_network("10.1.0.0/16"), ip_network("::1/128")), ports=frozenset({443, 9000}))
    assert expected == Rules.of(settings)


def test_an_allowed_network_does_not_open_other_ports() -> None:
    with pytest.raises(Problem, match="port 6379 may not be fetched from"):
        checked(Rules(allow=(ip_network("127.0.0.0/8"),)), "http://127.0.0.1:6379/", "image_url")


def test_addresses_of_this_machine_are_known() -> None:
    assert is_own(ip_address("127.0.0.1"))
    assert not is_own(ip_address("198.51.100.7"))


def test_a_public_address_of_this_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_module, "is_own", lambda address: str(address) == "8.8.4.4")
    assert "this machine" == Rules().refusal(ip_address("8.8.4.4"))
    assert "" == Rules(allow=(ip_network("8.8.4.0/24"),)).refusal(ip_address("8.8.4.4"))
