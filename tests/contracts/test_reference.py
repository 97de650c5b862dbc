"""The API against the real server's, path by path and field by field: each difference has a reason."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from tests.contracts.compact import Operation, compact
from wagateway.commands import catalogue
from wagateway.commands.groups import ExportMembers
from wagateway.front.pages import PAGES
from wagateway.openapi.document import Facts, document

REFERENCE: dict[str, Operation] = json.loads(Path(__file__).with_name("gowa-openapi.json").read_text())

_REFUSED = "the real server refuses it without, though its document does not say so"
_STRUCTURED = "the real server puts a sentence here; it stands in `message`, and this says what was done"

# What differs, as the test prints it (* is anything), and why.
REASONS = {
    "*: only here": "we offer more",
    "* /chatwoot/*: not offered": "Chatwoot is not offered",
    "* /devices/{device_id}/chatwoot/config: not offered": "Chatwoot is not offered",
    "* body *: required, there optional": _REFUSED,
    "* query *: required, there optional": _REFUSED,
    "* answer *: required, there optional": "our answers always have all their fields",
    "* /devices/{device_id} answer results: object, there string": _STRUCTURED,
    "* /devices/{device_id}/logout answer results: object, there string": _STRUCTURED,
    "* /devices/{device_id}/reconnect answer results: object, there string": _STRUCTURED,
    "* /app/logout answer results: object, there string": _STRUCTURED,
    "* /app/reconnect answer results: object, there string": _STRUCTURED,
    "* /app/passkey/* answer results: object, there string": _STRUCTURED,
    "* /group/join-with-link answer results: object, there string": _STRUCTURED,
    "* /group/participant-requests/* answer results: array, there string": _STRUCTURED,
    "POST * answer results: not offered": "there is nothing to say: the real server repeats its sentence",
    "POST /message/{message_id}/delete answer results.*: not offered": "the real server's code gives none",
    "GET /app/passkey answer results.challenge.*: not offered": "WhatsApp's challenge is passed on as it is, "
    "and neonize has none",
    "GET /user/info answer *.Device: integer, there string": "the real server gives a number",
    "GET /user/my/groups answer *.AddRequest: not offered": "neonize does not tell it",
    "PATCH * body webhook_url: optional, there required": "what is not given stays",
    "POST /devices/{device_id}/login/code query phone: not offered": "taken there too, but said of the body",
    "POST /send/location body *itude: number|string, there string": "numbers are taken too",
}


def ours() -> dict[str, Operation]:
    commands = [command for command in catalogue().values() if command.target != "sandbox"]
    files = {ExportMembers: "text/csv"}
    facts = Facts(version="", base_path="", credentials=True, commands=commands, pages=PAGES, files=files)
    return compact(json.loads(document(facts)))


def differences() -> Iterator[str]:
    here = ours()
    for name, there in REFERENCE.items():
        if name not in here:
            yield f"{name}: not offered"
            continue
        for part in sorted({*there, *here[name]}):
            for what in _differing(here[name].get(part, {}), there.get(part, {})):
                yield f"{name} {part} {what}"
    for name in here.keys() - REFERENCE.keys():
        yield f"{name}: only here"


def _differing(here: dict[str, str], there: dict[str, str]) -> Iterator[str]:
    for field in there.keys() - here.keys():
        yield f"{field}: not offered"
    for field in here.keys() - there.keys():
        yield f"{field}: only here"
    for field in here.keys() & there.keys():
        if here[field].rstrip("!") != there[field].rstrip("!"):
            yield f"{field}: {here[field].rstrip('!')}, there {there[field].rstrip('!')}"
        if here[field].endswith("!") and not there[field].endswith("!"):
            yield f"{field}: required, there optional"
        if there[field].endswith("!") and not here[field].endswith("!"):
            yield f"{field}: optional, there required"


def test_every_difference_from_the_reference_has_a_reason() -> None:
    found = sorted(differences())
    print("\n".join(found))
    unexplained = [what for what in found if not any(fnmatchcase(what, listed) for listed in REASONS)]
    assert [] == unexplained


def test_every_reason_is_for_a_difference_that_there_is() -> None:
    found = list(differences())
    assert [] == [listed for listed in REASONS if not any(fnmatchcase(what, listed) for what in found)]


def test_the_paths_of_the_real_server_are_offered_but_for_chatwoot() -> None:
    missing = REFERENCE.keys() - ours().keys()
    assert set() == {name for name in missing if "chatwoot" not in name}
    assert 81 == len(REFERENCE) - len(missing)
