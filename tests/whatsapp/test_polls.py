import hashlib
import subprocess
import sys

import pytest

from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.polls import open_edit, open_vote, seal_edit, seal_vote, vote_hashes
from wagateway.whatsapp.protos import E2E

SECRET = bytes(range(32))
POLL, ASKER, VOTER = "3EB0AA", "111@lid", "222@lid"


@pytest.mark.parametrize("options", [[], ["tea"], ["tea", "water ☕"]])
def test_a_vote_comes_back_as_the_hashes_of_its_options(options):
    payload, iv = seal_vote(SECRET, POLL, ASKER, VOTER, options)
    assert vote_hashes(options) == open_vote(SECRET, POLL, ASKER, VOTER, payload, iv)


def test_an_option_is_named_by_its_sha256():
    assert [hashlib.sha256(b"tea").digest()] == vote_hashes(["tea"])


def test_device_parts_do_not_matter():
    payload, iv = seal_vote(SECRET, POLL, "111:3@lid", "222:12@lid", ["tea"])
    assert vote_hashes(["tea"]) == open_vote(SECRET, POLL, ASKER, "222:1@lid", payload, iv)


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": bytes(32)},
        {"poll_id": "3EB0AB"},
        {"asker": VOTER},
        {"voter": ASKER},
        {"voter": "not an address"},
        {"payload": b""},
        {"iv": b""},
        {"iv": bytes(12)},
    ],
)
def test_a_vote_that_does_not_fit_is_refused(wrong):
    payload, iv = seal_vote(SECRET, POLL, ASKER, VOTER, ["tea"])
    right = {
        "secret": SECRET, "poll_id": POLL, "asker": ASKER, "voter": VOTER, "payload": payload, "iv": iv,
    }  # fmt: skip
    with pytest.raises(ProtocolError):
        open_vote(**(right | wrong))


def test_an_edit_comes_back_as_the_new_message_and_is_no_vote():
    payload, iv = seal_edit(SECRET, POLL, ASKER, ASKER, E2E.Message(conversation="better"))
    assert "better" == open_edit(SECRET, POLL, ASKER, ASKER, payload, iv).conversation
    with pytest.raises(ProtocolError):
        open_vote(SECRET, POLL, ASKER, ASKER, payload, iv)


def test_importing_it_does_not_load_the_cipher_library():
    code = "import sys, wagateway.whatsapp.polls; sys.exit('cryptography' in sys.modules)"
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
