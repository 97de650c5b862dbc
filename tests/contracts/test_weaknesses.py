"""Known weaknesses of the real server (W1 to W44), how each is answered here, and the tests that show it."""

import ast
import functools
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent

# What is wrong there, and what holds here. What has no test says why it needs or has none.
ANSWERS = {
    1: "A replaced stream ends the process: here it parks the one device, with the reason.",
    2: "A panic in one device's task ends all: here every device is a process.",
    3: "One process and one database for all: here no worker opens another device's files.",
    4: "One socket that stops reading freezes the hub: here it is dropped, and can resume.",
    5: "Every socket sees every device: here those that it asked for.",
    6: "Two logins at once make two clients: here all of them get the one login under way.",
    7: "A session can land on another's slot: here it lives in the folder of its device.",
    8: "A typing error makes a device: here it is 404, and nothing was made.",
    9: "Webhook retries live in memory: here the log is in the shard and the cursor durable.",
    10: "No order, no cap: here each hook reads the log in order, one event at a time.",
    11: "One URL starves the next: here each hook has a reader and a cursor of its own.",
    12: "A new connection for each delivery: here one is kept.",
    13: "Event handling dies with a request's context: no such thing here: a worker knows no requests.",
    14: "Poll votes make no event: here they do, with the text of the options.",
    15: "Deleting a device leaves its history: here its folder goes.",
    16: "Events go to a stale instance: no registry of clients here: one process, one device, one shard.",
    17: "One try to connect at boot: here every device is retried by the supervisor for as long as it takes.",
    18: "An upload may be cut short unseen: here it is written whole, and hashed on the way.",
    19: "Sent messages are stored later, or not: here before the answer.",
    20: "A failed migration is ignored: here it is undone, and the device parked.",
    21: "Ids are looked up over all devices: here there is only the device's own shard.",
    22: "Read receipts in groups go to the wrong sender: here to the author.",
    23: "Errors of participants are told as successes: here each has its own outcome.",
    24: "Spaces make a number a group, and silence means no: here neither.",
    25: "Creation time resets, names are dumps, last_seen is empty: here none of them.",
    26: "History overwrites newer state: here it only fills what is not known.",
    27: "Files are served without credentials: here with them, or by a signed link that expires.",
    28: "Files keep the sender's extension: here it comes from a fixed table, and all are attachments.",
    29: "URLs may lead anywhere: here one module checks the address at connect time.",
    30: "No authentication, on all addresses: here loopback, or no start.",
    31: "Secrets are printed and told: here they show themselves as ***.",
    32: "A web page can log a device out: here requests from pages of other sites are refused.",
    33: "No timeouts, bodies before authentication: here limits for both.",
    34: "Signatures can be replayed: here one with a timestamp stands beside the other.",
    35: "The dashboard is downloaded at run time: there is none here; /docs comes with the installation.",
    36: "Nothing is pruned: here files and events are, by age and size.",
    37: "Slow work inside the event handler: here the event is out before the file is fetched.",
    38: "Search ignores filters, and time zones: here all filters combine, on an index.",
    39: "Conversions without end, sends that double: here time limits and Idempotency-Key.",
    40: "Asking for the login again breaks it: here it goes on.",
    41: "The presence pulse is on, and all at once: here it is off by default and spread.",
    42: "Status posts are read, backlogs and bots answered: here neither.",
    43: "No view of one device's health: wagatewayctl status has a line for each (metrics: issue 8).",
    44: "Documents that differ from the program: here tests compare both.",
}
WITHOUT_TEST = {13, 16, 35}


@functools.cache
def names() -> frozenset[str]:
    found = set()
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(node.name)
    return frozenset(found)


def test_every_weakness_has_an_answer() -> None:
    assert list(range(1, 45)) == sorted(ANSWERS)


@pytest.mark.parametrize("number", sorted(set(range(1, 45)) - WITHOUT_TEST))
def test_a_weakness_has_a_test_named_after_it(number: int) -> None:
    assert any(name.startswith(f"test_w{number:02}_") for name in names())
