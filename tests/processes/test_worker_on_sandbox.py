"""The engine against the simulated network: pairing, coming back, and how each end is told."""

import asyncio
import contextlib
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
import zmq

from tests.processes.one_worker import Supervisor, Worker
from tests.sandbox.conftest import Sandbox
from wagateway.commands import sandbox as c
from wagateway.commands.app import Login, LoginWithCode
from wagateway.commands.internal import Unlink
from wagateway.commands.sending import SendMessage
from wagateway.contract import Command, Problem
from wagateway.exits import Exit
from wagateway.spec import SandboxNetwork

DEVICE = "shop"
NUMBER = "628111000001"
OTHER = "628111000002"


class World:
    """A sandbox, the place of the supervisor, and one device with its phone."""

    def __init__(self, folder: Path, sandbox: Sandbox, supervisor: Supervisor) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.supervisor = supervisor
        network = (sandbox.folder / "network.json").read_bytes()
        self._network = msgspec.json.decode(network, type=SandboxNetwork)
        self.worker = self.start()

    def start(self) -> Worker:
        """The device's worker, the first or the next."""
        self.worker = Worker(self.folder, DEVICE, self._network)
        return self.worker

    async def pair(self) -> None:
        """Link the device by QR code; returns when it is logged in."""
        shown = await self.worker.ask(Login())
        await self.sandbox.ask(c.ScanQr(phone=NUMBER, qr=shown.qr_code))
        await self.supervisor.until(DEVICE, "logged_in")

    def stored(self) -> list[str]:
        """The texts in the shard, in the order of their arrival."""
        with contextlib.closing(sqlite3.connect(self.worker.folder / "shard.db")) as connection:
            rows = connection.execute("SELECT content FROM messages WHERE NOT from_me ORDER BY row")
            return [text for (text,) in rows]


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    folder = tmp_path / "sandbox"
    folder.mkdir(mode=0o700)
    with zmq.Context() as context, Supervisor(tmp_path) as supervisor:
        sandbox = Sandbox(folder, context)
        await sandbox.start()
        for number in (NUMBER, OTHER):
            await sandbox.ask(c.AddPhone(phone=number))
        world = World(tmp_path, sandbox, supervisor)
        with ended(world):
            yield world
        await sandbox.stop()
        sandbox.link.close()


@contextlib.contextmanager
def ended(world: World) -> Iterator[None]:
    try:
        yield
    finally:
        world.worker.close()


async def test_a_killed_worker_logs_in_again_by_itself(world: World) -> None:
    await world.pair()
    world.worker.close()

    world.start()

    beat = await world.supervisor.until(DEVICE, "logged_in")
    assert beat.jid == f"{NUMBER}@s.whatsapp.net"


async def test_a_second_login_request_gets_the_same_code_and_a_linked_device_none(world: World) -> None:
    first, second = await world.worker.ask(Login()), await world.worker.ask(Login())

    await world.sandbox.ask(c.ScanQr(phone=NUMBER, qr=first.qr_code))
    await world.supervisor.until(DEVICE, "logged_in")
    with pytest.raises(Problem) as refused:
        await world.worker.ask(Login())

    assert (first.qr_code, 1) == (second.qr_code, second.attempt)
    assert refused.value.code == "ALREADY_LOGGED_IN"


async def test_a_pairing_code_links_the_device(world: World) -> None:
    code = await world.worker.ask(LoginWithCode(phone=f"+{NUMBER}"))
    again = await world.worker.ask(LoginWithCode(phone=NUMBER))

    await world.sandbox.ask(c.EnterCode(phone=NUMBER, code=code.pair_code))

    beat = await world.supervisor.until(DEVICE, "logged_in")
    assert code == again
    assert beat.jid == f"{NUMBER}@s.whatsapp.net"


@pytest.mark.parametrize(
    ("fault", "exit_code", "reason"),
    [
        (c.ReplaceStream(phone=NUMBER), Exit.STREAM_REPLACED, "stream_replaced"),
        (c.UnlinkCompanion(phone=NUMBER), Exit.LOGGED_OUT, "device_removed"),
    ],
)
async def test_an_end_that_comes_over_the_connection_parks_the_device(
    world: World, fault: Command[c.Done], exit_code: Exit, reason: str
) -> None:
    await world.pair()

    await world.sandbox.ask(fault)

    beat = await world.supervisor.until(DEVICE, "disconnected")
    assert (exit_code, reason) == (await world.worker.ended(), beat.reason)


@pytest.mark.parametrize(
    ("refusal", "exit_code", "reason"),
    [
        (c.FailLogins(phone=NUMBER, reason=401), Exit.LOGGED_OUT, "logged_out"),
        (c.FailLogins(phone=NUMBER, reason=402, ban_code=101), Exit.BANNED, "send_to_too_many_people"),
        (c.FailLogins(phone=NUMBER, reason=402, ban_code=110), Exit.BANNED, "unknown_reason"),
        (c.FailLogins(phone=NUMBER, reason=405), Exit.CLIENT_OUTDATED, "client_outdated"),
    ],
)
async def test_a_refused_login_parks_the_device(
    world: World, refusal: Command[c.Done], exit_code: Exit, reason: str
) -> None:
    await world.pair()
    world.worker.close()
    await world.sandbox.ask(refusal)

    world.start()

    assert exit_code == await world.worker.ended()
    assert world.supervisor.beats[DEVICE].reason.startswith(reason)


async def test_a_dropped_connection_comes_back_in_the_same_worker(world: World) -> None:
    await world.pair()

    lost = asyncio.ensure_future(world.supervisor.until(DEVICE, "connecting"))
    await world.sandbox.ask(c.DropConnection(phone=NUMBER))

    await lost
    await world.supervisor.until(DEVICE, "logged_in")
    assert world.worker.process.poll() is None


async def test_an_unreachable_network_ends_a_worker_that_starts(world: World) -> None:
    await world.pair()
    world.worker.close()
    await world.sandbox.ask(c.RefuseConnections(seconds=60))

    world.start()

    assert Exit.ENGINE_ENDED == await world.worker.ended()
    assert world.supervisor.beats[DEVICE].reason == "connect_failed"


async def test_a_logout_is_told_to_whatsapp(world: World) -> None:
    await world.pair()

    told = await world.worker.ask(Unlink())

    assert told.unlinked
    assert await world.sandbox.ask(c.Companions(phone=NUMBER)) == []
    assert (await world.worker.status()).jid == ""


async def test_a_message_that_whatsapp_refuses_names_why(world: World) -> None:
    await world.pair()
    await world.sandbox.ask(c.RejectSends(phone=NUMBER, error=463))

    with pytest.raises(Problem) as refused:
        await world.worker.ask(SendMessage(phone=OTHER, message="hello"))

    assert (429, "WA_REACHOUT_TIMELOCK") == (refused.value.status, refused.value.code)


async def test_a_worker_that_stops_loses_nothing_of_what_it_acknowledged(world: World) -> None:
    await world.pair()
    texts = [f"number {n}" for n in range(300)]

    await world.sandbox.ask(c.PhoneSendText(phone=OTHER, to=NUMBER, text="number {n}", count=300))
    world.worker.process.send_signal(signal.SIGTERM)
    assert Exit.DONE == await world.worker.ended()
    world.start()
    await world.supervisor.until(DEVICE, "logged_in")
    await world.sandbox.ask(c.PhoneSendText(phone=OTHER, to=NUMBER, text="the last"))
    while world.supervisor.beats[DEVICE].log_depth < len(texts) + 1:
        await world.supervisor.until(DEVICE, "logged_in")

    assert [*texts, "the last"] == world.stored()
