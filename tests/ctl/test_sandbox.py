"""`wagatewayctl sandbox`: every command of the sandbox has words, and the words become the command."""

from typing import Any

import pytest

from tests.ctl.conftest import Terminal
from wagateway.commands import catalogue, sandbox
from wagateway.contract import Command
from wagateway.ctl.sandbox import commands

MESSAGE = sandbox.InboxMessage(0, "3EB0", "62811@s", "62811@s", "hello\x1b", 1, "text", False, 1)
PHONE = sandbox.PhoneInfo("62811", "Ann", "62811@s.whatsapp.net", "1@lid", 1)
COMPANION = sandbox.CompanionInfo("62811", "62811:1@s", 1, "python", True, 0, 30)


@pytest.mark.parametrize(
    ("words", "command", "reply"),
    [
        ("phone add 62811 --name Ann", sandbox.AddPhone(phone="62811", name="Ann"), PHONE),
        ("phone list", sandbox.ListPhones(), [PHONE]),
        ("phone scan 62811 2@abc", sandbox.ScanQr(phone="62811", qr="2@abc"), COMPANION),
        ("phone code 62811 ABCD-EFGH", sandbox.EnterCode(phone="62811", code="ABCD-EFGH"), COMPANION),
        (
            "phone send 62811 62812 hello --mentions 1,2 --count 2",
            sandbox.PhoneSendText(phone="62811", to="62812", text="hello", mentions=["1", "2"], count=2),
            sandbox.PhoneSent(["a", "b"]),
        ),
        (
            "phone inbox 62811 --after 3 --wait 1.5",
            sandbox.Inbox(phone="62811", after=3, wait=1.5),
            sandbox.InboxPage([MESSAGE], 4),
        ),
        ("phone read 62811 --ids a,b", sandbox.MarkRead(phone="62811", ids=["a", "b"]), sandbox.Done(2)),
        (
            "group create 62811 Team --members 62812,62813",
            sandbox.PhoneCreateGroup(phone="62811", subject="Team", members=["62812", "62813"]),
            sandbox.GroupInfo("1@g.us", "Team", []),
        ),
        ("fault refuse 5", sandbox.RefuseConnections(seconds=5), sandbox.Done(1)),
        ("fault delay 62811 1500", sandbox.DelayAcks(phone="62811", milliseconds=1500), sandbox.Done(1)),
        ("fault reject 62811 --error 463", sandbox.RejectSends(phone="62811", error=463), sandbox.Done(1)),
        ("fault garble 62811 --count 2", sandbox.GarbleMessages(phone="62811", count=2), sandbox.Done()),
        (
            "phone newsletter 62811 1@newsletter --muted true",
            sandbox.PhoneSetNewsletter(phone="62811", newsletter="1@newsletter", muted=True),
            sandbox.NewsletterInfo("1@newsletter", "News", "", "0029", []),
        ),
        ("companions", sandbox.Companions(), [COMPANION]),
        ("history 62811 --bytes 1000", sandbox.SendHistory(phone="62811", bytes=1000), sandbox.Done(1)),
    ],
)
def test_words_become_the_command(ctl: Terminal, words: str, command: Command[Any], reply: object) -> None:
    answering = ctl.sandbox()
    answering.replies = {type(command): reply}
    with answering:
        assert 0 == ctl("sandbox", *words.split(" "))
        assert "" != ctl.out
        assert "\x1b" not in ctl.out
        assert 0 == ctl("sandbox", *words.split(" "), "--json")
        assert ctl.json is not None
    assert [command, command] == answering.asked


def test_every_command_of_the_sandbox_has_a_verb() -> None:
    asked = {command for command in catalogue().values() if command.target == "sandbox"}
    assert asked == set(commands())


def test_an_empty_inbox_says_so(ctl: Terminal) -> None:
    answering = ctl.sandbox()
    answering.replies = {sandbox.Inbox: sandbox.InboxPage([], 0)}
    with answering:
        assert 0 == ctl("sandbox", "phone", "inbox", "62811")
    assert "Nothing.\n" == ctl.out


def test_a_value_that_cannot_be_is_refused_without_asking(ctl: Terminal) -> None:
    assert 1 == ctl("sandbox", "fault", "delay", "62811", "soon")
    assert "milliseconds" in ctl.err


def test_a_gateway_without_a_sandbox_is_said_so(ctl: Terminal) -> None:
    assert 3 == ctl("sandbox", "phone", "list")
    assert "The sandbox is not running" in ctl.err
