"""Who may open a WebSocket: tickets, credentials, and pages of other sites."""

import base64

import pytest

from tests.front.conftest import Stage, Staging
from tests.front.listening import listening, refused
from tests.front.logs import Logs
from wagateway.contract import Problem
from wagateway.front.tickets import SECONDS, Tickets
from wagateway.settings import Secret

ONE = "Basic " + base64.b64encode(b"one:first").decode()


async def test_a_page_of_another_site_needs_a_ticket(stage: Stage) -> None:
    Logs(stage).add("a")
    other = {"Origin": "https://evil.example"}
    own = {"Origin": f"http://127.0.0.1:{stage.port}"}
    assert 403 == await refused(stage, headers=other)
    assert 403 == await refused(stage, headers={"Origin": "null"})
    assert 403 == await refused(stage, headers={**own, "Sec-Fetch-Site": "cross-site"})
    async with listening(stage, headers=own):
        pass
    ticket = (await stage.call("POST", "/ws/ticket")).body["result"]["ticket"]
    async with listening(stage, f"ticket={ticket}", headers=other):
        pass


@pytest.fixture
async def guarded(staging: Staging) -> Stage:
    stage = await staging(basic_auth=[Secret("one:first"), Secret("two:>>>???")])
    Logs(stage).add("a")
    return stage


async def test_a_ticket_opens_one_socket(guarded: Stage) -> None:
    assert 401 == (await guarded.call("POST", "/ws/ticket")).status
    answer = await guarded.call("POST", "/ws/ticket", headers={"Authorization": ONE})
    assert SECONDS == answer.body["result"]["expires_in"]
    query = f"ticket={answer.body['result']['ticket']}"
    async with listening(guarded, query):
        pass
    assert 401 == await refused(guarded, query)
    assert 401 == await refused(guarded, "ticket=x")
    assert 405 == (await guarded.call("GET", "/ws/ticket", headers={"Authorization": ONE})).status


def test_a_ticket_expires() -> None:
    now = 100.0
    tickets = Tickets(lambda: now)
    early, late = tickets.issue().ticket, tickets.issue().ticket
    now += SECONDS - 0.1
    assert tickets.redeem(early)
    now += 0.2
    assert not tickets.redeem(late)


def test_there_are_only_so_many_tickets() -> None:
    now = 100.0
    tickets = Tickets(lambda: now)
    for _ in range(1000):
        tickets.issue()
    with pytest.raises(Problem, match="unused"):
        tickets.issue()
    now += SECONDS
    assert tickets.redeem(tickets.issue().ticket)


async def test_credentials_open_it_in_the_header_or_the_query(guarded: Stage) -> None:
    async with listening(guarded, headers={"Authorization": ONE}):
        pass
    encoded = base64.b64encode(b"two:>>>???").decode()
    assert "+" in encoded
    for text in (encoded, f"Basic%20{encoded}", encoded.replace("+", "%2B")):
        async with listening(guarded, f"authorization={text}"):
            pass
    assert 401 == await refused(guarded)
    assert 401 == await refused(guarded, "authorization=" + base64.b64encode(b"one:second").decode())
    assert 400 == await refused(guarded, "authorization=!")
    assert 401 == (await guarded.call("GET", f"/ws?authorization={encoded}")).status
