"""The members of a group as a file."""

from tests.front.conftest import Stage
from wagateway.commands.groups import MemberTable
from wagateway.contract import Command, Problem

PATH = "/group/participants/export?group_id=120363000000000001@g.us"


async def test_an_export_is_a_csv_file(stage: Stage) -> None:
    async def answer(_: Command[object]) -> MemberTable:
        return MemberTable("group-1_g.us-participants.csv", "participant_jid\r\nžluťoučký\r\n")

    stage.add("a", jid="628111@s.whatsapp.net", worker="running")
    stage.answers["ExportMembers"] = answer
    found = await stage.call("GET", PATH, "a")
    assert (200, "participant_jid\r\nžluťoučký\r\n".encode()) == (found.status, found.raw)
    expected = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": 'attachment; filename="group-1_g.us-participants.csv"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Server": "wagateway",
    }
    assert expected == {name: found.headers.get(name) for name in expected}


async def test_an_export_that_fails_is_a_problem_as_any(stage: Stage) -> None:
    async def answer(_: Command[object]) -> MemberTable:
        raise Problem(400, "INVALID_JID", "no such group")

    stage.add("a", jid="628111@s.whatsapp.net", worker="running")
    stage.answers["ExportMembers"] = answer
    found = await stage.call("GET", PATH, "a")
    assert (400, "INVALID_JID", "application/json") == (
        found.status, found.code, found.headers["Content-Type"],
    )  # fmt: skip
