import asyncio
import ctypes
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from wagateway.contract import DEADLINE, Problem
from wagateway.whatsapp.protos import bare_neonize

bare_neonize()

from neonize.proto import Neonize_pb2 as pb  # type: ignore[import-untyped, unused-ignore]  # noqa: E402

from workers.engine import EngineEvents, Patch  # noqa: E402
from workers.facts import ContactFacts, RegistrationFacts  # noqa: E402
from workers.neonize_calls import Calls  # noqa: E402
from workers.neonize_client import Orders  # noqa: E402
from workers.neonize_engine import NeonizeEngine  # noqa: E402
from workers.neonize_groups import Groups  # noqa: E402
from workers.neonize_jids import jid_of  # noqa: E402
from workers.neonize_newsletters import Newsletters  # noqa: E402
from workers.neonize_people import People  # noqa: E402

ALICE, ALICE_LID = "628111@s.whatsapp.net", "900111@lid"
GROUP = "120363000000000001@g.us"

Answer = Callable[..., bytes]


class Library:
    """Answers as neonize's library would; `asked` has the arguments of each call."""

    def __init__(self, **answers: bytes | Answer) -> None:
        self.asked: list[tuple[str, tuple[object, ...]]] = []
        self._answers = answers

    def __getattr__(self, name: str) -> Answer:
        def answer(key: bytes, *arguments: object) -> bytes:
            self.asked.append((name, arguments))
            given = self._answers.get(name, b"")
            return given(*arguments) if callable(given) else given

        return answer

    def last(self) -> tuple[object, ...]:
        """The arguments of the last call."""
        return self.asked[-1][1]


def calls_to(library: Library, *, is_open: bool = True) -> Calls:
    calls = Calls(cast("ctypes.CDLL", library), b"one")
    calls.open = is_open
    return calls


def test_without_a_client_nothing_is_called() -> None:
    library = Library()
    people = People(calls_to(library, is_open=False))

    with pytest.raises(Problem) as refused:
        people.contacts()

    assert "DEVICE_UNAVAILABLE" == refused.value.code
    assert [] == library.asked


def test_a_timer_goes_out_in_nanoseconds() -> None:
    library = Library()

    Groups(calls_to(library)).set_timer(GROUP, 86_400)

    assert 86_400 * 10**9 == library.last()[2]


def test_ids_of_read_messages_travel_joined_so_that_none_may_have_a_space() -> None:
    library = Library()
    calls = calls_to(library)

    calls.mark_read(GROUP, ALICE, ["A1", "A2"], played=True)
    for bad in (["A1 A2"], ["A1", ""], ["A1\n"]):
        with pytest.raises(Problem) as refused:
            calls.mark_read(GROUP, ALICE, bad, played=False)
        assert "VALIDATION_ERROR" == refused.value.code

    assert 1 == len(library.asked)
    assert (b"A1 A2", b"played") == (library.last()[0], library.last()[-1])


def test_a_text_that_would_be_cut_short_is_refused() -> None:
    library = Library()

    with pytest.raises(Problem) as refused:
        Groups(calls_to(library)).set_name(GROUP, "Team\0 of many")

    assert "VALIDATION_ERROR" == refused.value.code
    assert [] == library.asked


def test_a_picture_is_asked_for_with_all_that_neonize_wants_to_be_told() -> None:
    library = Library(GetProfilePicture=b"")

    assert People(calls_to(library)).picture(ALICE, preview=False, community=False) is None

    wanted = pb.GetProfilePictureParams.FromString(library.last()[2])
    assert all(wanted.HasField(name) for name in ("Preview", "ExistingID", "IsCommunity"))


@pytest.mark.parametrize(
    "text",
    [
        "that user or group does not have a profile picture",
        "the user has hidden their profile picture from you",
    ],
)
def test_a_picture_that_is_not_there_or_hidden_is_none(text: str) -> None:
    answer = pb.GetProfilePictureReturnFunction(Error=text).SerializeToString()

    people = People(calls_to(Library(GetProfilePicture=answer)))

    assert people.picture(ALICE, preview=True, community=False) is None


def test_a_number_without_an_answer_is_not_registered_and_a_failure_is_no_no() -> None:
    nobody = pb.IsOnWhatsAppReturnFunction(Error="Function returned nothing.").SerializeToString()
    failed = pb.IsOnWhatsAppReturnFunction(
        Error="failed to send usync query: info query timed out"
    ).SerializeToString()
    library = Library(IsOnWhatsApp=nobody)

    assert RegistrationFacts(is_in=False) == People(calls_to(library)).registered("628111")
    assert (b"+628111",) == library.last()

    with pytest.raises(Problem) as refused:
        People(calls_to(Library(IsOnWhatsApp=failed))).registered("628111")
    assert 503 == refused.value.status


def test_privacy_settings_that_nobody_answered_are_a_failure() -> None:
    unset = dict.fromkeys(
        ("GroupAdd", "LastSeen", "Status", "Profile", "ReadReceipts", "CallAdd", "Online"),
        pb.PrivacySettings.UNDEFINED,
    )
    library = Library(GetPrivacySettings=pb.PrivacySettings(**unset).SerializeToString())

    with pytest.raises(Problem) as refused:
        People(calls_to(library)).privacy()

    assert 503 == refused.value.status


def test_a_privacy_setting_goes_out_under_whatsapps_own_name() -> None:
    settings = pb.SetPrivacySettingReturnFunction(Error="info query returned status 400: bad-request")
    library = Library(SetPrivacySetting=settings.SerializeToString())

    with pytest.raises(Problem) as refused:
        People(calls_to(library)).set_privacy("last_seen", "contacts")

    assert (b"last", b"contacts") == library.last()
    assert (400, "WHATSAPP_REFUSED") == (refused.value.status, refused.value.code)


def test_a_known_identity_is_asked_of_nobody_and_an_unknown_one_once() -> None:
    def found(jid: str) -> bytes:
        return bytes(pb.GetJIDFromStoreReturnFunction(Jid=jid_of(jid)).SerializeToString())

    known = Library(GetLIDFromPN=found(ALICE_LID))
    unknown = Library(GetLIDFromPN=found("@"))

    assert (ALICE, ALICE_LID) == People(calls_to(known)).identities(ALICE)
    assert (ALICE, "") == People(calls_to(unknown)).identities(ALICE)

    assert ["GetLIDFromPN"] == [name for name, _ in known.asked]
    assert ["GetLIDFromPN", "GetUserInfo", "GetLIDFromPN"] == [name for name, _ in unknown.asked]


def test_one_contact_is_looked_up_by_number_and_by_lid() -> None:
    def found(**names: str) -> bytes:
        told = pb.ContactInfo(
            Found=bool(names),
            FirstName="",
            FullName=names.get("full", ""),
            PushName=names.get("push", ""),
            BusinessName="",
            RedactedPhone="",
        )
        return bytes(pb.ContactsGetContactReturnFunction(ContactInfo=told).SerializeToString())

    lid = pb.GetJIDFromStoreReturnFunction(Jid=jid_of(ALICE_LID)).SerializeToString()
    phone = pb.GetJIDFromStoreReturnFunction(Jid=jid_of(ALICE)).SerializeToString()
    answers = iter([found(push="al"), found(full="Alice Smith"), found(), found()])
    library = Library(GetLIDFromPN=bytes(lid), GetPNFromLID=bytes(phone), GetContact=lambda *_: next(answers))
    people = People(calls_to(library))

    assert ContactFacts(jid=ALICE, lid=ALICE_LID, full_name="Alice Smith", push_name="al") == people.contact(
        ALICE
    )
    assert people.contact(ALICE) is None
    assert ["GetContact"] * 4 == [name for name, _ in library.asked if "Contact" in name]


def test_a_newsletter_that_whatsapp_says_nothing_of_does_not_exist() -> None:
    with pytest.raises(Problem) as refused:
        Newsletters(calls_to(Library())).one("120363000000000000@newsletter")

    assert "NOT_FOUND_ON_WHATSAPP" == refused.value.code


def engine_on(library: Library, folder: Path) -> NeonizeEngine:
    orders = Orders("one", folder / "session.db", folder / "history", "test", False, None, "")
    engine = NeonizeEngine(orders, cast("EngineEvents", None))
    engine._client._calls = calls_to(library)
    return engine


async def test_questions_that_nobody_answers_hold_up_no_receipt(tmp_path: Path) -> None:
    go_on = threading.Event()

    def wait(*_: object) -> bytes:
        go_on.wait(10)
        return b""

    engine = engine_on(Library(GetBlocklist=wait), tmp_path)
    stuck = [asyncio.ensure_future(engine.blocked()) for _ in range(5)]

    await asyncio.wait_for(engine.mark_read(ALICE, ALICE, ["A1"]), 5)

    assert not any(each.done() for each in stuck)
    go_on.set()
    await asyncio.gather(*stuck)


async def test_what_comes_to_its_turn_too_late_is_not_done(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait(*_: object) -> bytes:
        begun.set()
        go_on.wait(10)
        return b""

    library = Library(GetBlocklist=wait)
    engine = engine_on(library, tmp_path)
    stuck = [asyncio.ensure_future(engine.blocked()) for _ in range(2)]
    await asyncio.to_thread(begun.wait, 5)
    DEADLINE.set(time.monotonic())  # of what this test asks from now on
    late = asyncio.ensure_future(engine.create_group("Late", [ALICE]))
    go_on.set()
    with pytest.raises(Problem) as refused:
        await late
    await asyncio.gather(*stuck)

    assert (504, "GATEWAY_TIMEOUT") == (refused.value.status, refused.value.code)
    assert "CreateGroup" not in [name for name, _ in library.asked]


async def test_app_state_is_honestly_refused(tmp_path: Path) -> None:
    library = Library()

    with pytest.raises(Problem) as refused:
        await engine_on(library, tmp_path).change_app_state(Patch("regular", []))

    assert (501, "ENGINE_UNSUPPORTED") == (refused.value.status, refused.value.code)
    assert [] == library.asked
