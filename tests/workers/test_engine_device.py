import asyncio
import tempfile
import time
from pathlib import Path
from typing import cast

import pytest

from wagateway.contract import Problem
from wagateway.exits import Exit
from wagateway.settings import Settings
from wagateway.whatsapp.protos import E2E
from workers.device import Device
from workers.engine import ConnectionChange, Engine, QrShown, Sent
from workers.session import NOBODY, Identity
from workers.shard import Shard

ME: Identity = ("628999@s.whatsapp.net", "900999@lid", "Me")


class FakeEngine:
    """Counts its calls; pairing codes are numbered."""

    def __init__(self, identity: Identity = NOBODY) -> None:
        self.identity = identity
        self.connects = 0
        self.dialled = asyncio.Event()
        self.codes: list[str] = []
        self.refusal: Problem | None = None

    async def connect(self) -> None:
        self.connects += 1
        self.dialled.set()

    async def stop(self) -> None: ...

    async def pair_code(self, phone: str) -> str:
        self.codes.append(phone)
        return f"AAAA-{len(self.codes):04}"

    async def unlink(self) -> None:
        if self.refusal:
            raise self.refusal

    async def send(self, chat: str, message: E2E.Message) -> Sent:
        raise NotImplementedError

    async def group_members(self, group: str) -> list[str]:
        raise NotImplementedError

    async def own_jid(self) -> Identity:
        return self.identity


async def device_of(engine: FakeEngine) -> Device:
    settings = Settings(storage=Path("unused"))
    with tempfile.TemporaryDirectory() as folder:
        shard = Shard.open(Path(folder) / "shard.db")
        device = Device("one", settings, cast("Engine", engine), shard, Path(folder))
        await device.start(connect=True)
        await device.close()  # what works on files is not looked at here
        shard.close()
    return device


def code(text: str, attempt: int = 1, seconds: float = 60.0) -> QrShown:
    return QrShown(text, time.time() + seconds, attempt)


async def test_a_device_with_a_session_dials_by_itself() -> None:
    engine = FakeEngine(ME)

    device = await device_of(engine)

    assert engine.connects == 1
    assert (device.jid, device.lid, device.display_name) == ME


async def test_a_device_without_a_session_waits_to_be_asked() -> None:
    engine = FakeEngine()

    device = await device_of(engine)

    assert engine.connects == 0
    assert device.state == "disconnected"


async def test_the_states_follow_a_pairing_to_its_end() -> None:
    device = await device_of(FakeEngine())
    seen: list[str] = []
    device.changed = lambda: seen.append(device.state)

    device.connection_changed(ConnectionChange("connecting"))
    device.qr_shown(code("first"))
    device.qr_shown(None)
    device.paired(*ME)
    device.connection_changed(ConnectionChange("connected"))

    assert seen == ["connecting", "connected", "connected", "connecting", "logged_in"]
    device.require_login()


async def test_two_login_requests_share_one_pairing_and_its_code() -> None:
    engine = FakeEngine()
    device = await device_of(engine)
    both = asyncio.gather(device.qr(), device.qr())
    await engine.dialled.wait()

    device.qr_shown(code("first"))

    first, second = await both
    assert "first" == first.code == second.code
    assert engine.connects == 1


async def test_an_expired_code_is_not_handed_out() -> None:
    engine = FakeEngine()
    device = await device_of(engine)
    device.qr_shown(code("old", seconds=-1))
    asked = asyncio.ensure_future(device.qr())
    await engine.dialled.wait()

    device.qr_shown(code("new", attempt=2))

    assert (await asked).code == "new"


async def test_the_same_number_gets_the_same_pairing_code() -> None:
    engine = FakeEngine()
    device = await device_of(engine)
    device.qr_shown(code("first"))

    codes = [await device.pair_code(phone) for phone in ("628111", "628111", "628222", "628111")]

    assert codes == ["AAAA-0001", "AAAA-0001", "AAAA-0002", "AAAA-0003"]


async def test_a_logged_in_device_refuses_another_login() -> None:
    device = await device_of(FakeEngine(ME))

    with pytest.raises(Problem) as refused:
        await device.qr()

    assert (refused.value.status, refused.value.code) == (400, "ALREADY_LOGGED_IN")


async def test_a_device_that_is_dialling_is_unavailable_and_an_unpaired_one_not_logged_in() -> None:
    dialling, unpaired = await device_of(FakeEngine(ME)), await device_of(FakeEngine())

    with pytest.raises(Problem) as unavailable:
        dialling.require_login()
    with pytest.raises(Problem) as refused:
        unpaired.require_login()

    assert (unavailable.value.status, refused.value.status) == (503, 401)


@pytest.mark.parametrize(
    ("change", "exit_code"),
    [
        (ConnectionChange("logged_out", "device_removed"), Exit.LOGGED_OUT),
        (ConnectionChange("replaced", "stream_replaced"), Exit.STREAM_REPLACED),
        (ConnectionChange("banned", "blocked_by_users", 99), Exit.BANNED),
        (ConnectionChange("outdated", "client_outdated"), Exit.CLIENT_OUTDATED),
        (ConnectionChange("ended", "qr_timeout"), Exit.QR_TIMEOUT),
        (ConnectionChange("ended", "pairing_failed"), Exit.QR_TIMEOUT),
        (ConnectionChange("ended", "event_pump_died"), Exit.ENGINE_ENDED),
    ],
)
async def test_every_end_has_its_exit_code(change: ConnectionChange, exit_code: Exit) -> None:
    device = await device_of(FakeEngine(ME))

    device.connection_changed(change)

    assert exit_code == await device.over
    assert device.state == "disconnected"
    assert device.reason.startswith(change.reason)


async def test_a_login_that_waits_is_told_when_the_pairing_ends() -> None:
    engine = FakeEngine()
    device = await device_of(engine)
    asked = asyncio.ensure_future(device.qr())
    await engine.dialled.wait()

    device.connection_changed(ConnectionChange("ended", "connect_failed"))

    with pytest.raises(Problem) as ended:
        await asked
    assert ended.value.status == 503
    assert "proxy" in ended.value.message


async def test_a_pairing_that_expired_is_not_called_unreachable() -> None:
    device = await device_of(FakeEngine())
    device.connection_changed(ConnectionChange("ended", "qr_timeout"))

    with pytest.raises(Problem, match="The login has ended"):
        await device._pairing.qr(1)


async def test_a_device_stays_disconnected_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.device.CONNECT_SECONDS", 0.01)
    device = await device_of(FakeEngine(ME))

    device.connection_changed(ConnectionChange("connected"))
    device.connection_changed(ConnectionChange("disconnected", "connection_lost"))

    assert await asyncio.wait_for(device.over, 5) == Exit.ENGINE_ENDED
    assert device.reason == "connection_lost"


async def test_a_short_drop_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.device.CONNECT_SECONDS", 0.01)
    device = await device_of(FakeEngine(ME))
    device.connection_changed(ConnectionChange("disconnected", "connection_lost"))

    device.connection_changed(ConnectionChange("connected"))

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(device.over), 0.1)


async def test_a_logout_that_whatsapp_did_not_hear_is_not_called_done() -> None:
    engine = FakeEngine(ME)
    engine.refusal = Problem(503, "DEVICE_UNAVAILABLE", "no network")
    device = await device_of(engine)
    device.connection_changed(ConnectionChange("connected"))

    assert not await device.unlink()
    assert ME[0] == device.jid


async def test_a_device_nobody_uses_is_given_up() -> None:
    device = await device_of(FakeEngine())

    await asyncio.wait_for(device.unused(0), 5)
