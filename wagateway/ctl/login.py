"""`wagatewayctl login`: pair a device with a phone from the terminal."""

import argparse
import asyncio
import contextlib
import sys
import time
from datetime import datetime

import msgspec
import segno
import zmq

from wagateway import wire
from wagateway.commands.app import Login, LoginCode, LoginWithCode
from wagateway.commands.internal import DeviceRow, DeviceTable, StartWorker
from wagateway.contract import Problem
from wagateway.ctl import show
from wagateway.ctl.asking import SECONDS, Failure, Place, linked, run
from wagateway.ctl.nouns import Nouns, argument
from wagateway.feed import Listener
from wagateway.link import Context, Link

_DECIDED_SECONDS = 20.0  # from the scan to logged in, with a history to take over
_CODE_SECONDS = 180.0  # how long WhatsApp honours a pairing code


def add(nouns: Nouns) -> None:
    """Register the verb."""
    nouns.add(
        "login",
        login,
        "pair a device: scan the QR code, or type the pairing code into the phone",
        [
            argument("device", metavar="DEVICE"),
            argument("--code", metavar="PHONE", help="a pairing code for this number, no QR code"),
        ],
    )


def login(place: Place, arguments: argparse.Namespace) -> int:
    """Show what the phone needs until it is logged in or the login is over."""
    row = run(_pair(place, arguments.device, arguments.code, arguments.json))
    if arguments.json:
        show.as_json(row)
    else:
        show.line(f"Logged in: {row.device_id} is {row.jid}")
    return 0


class _Row:
    """The row of one device as it changes."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._changed = asyncio.Event()
        self.latest: DeviceRow | None = None

    def received(self, body: bytes) -> None:
        """A publication of the device table."""
        table = msgspec.msgpack.decode(body, type=DeviceTable)
        self.take(next((row for row in table.rows if row.device_id == self._device), None))

    def take(self, row: DeviceRow | None) -> None:
        """The row as of now; None when the device was removed."""
        self.latest = row
        self._changed.set()

    async def settled(self, timeout: float) -> bool:
        """Whether the login was decided, one way or the other, within `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not (self._is_logged_in() or self._is_over()):
                    self._changed.clear()
                    await self._changed.wait()
        return self._is_logged_in() or self._is_over()

    def outcome(self) -> DeviceRow:
        """The row of a device that is logged in; raises `Failure` for any other end."""
        if self.latest is None:
            raise Failure(f"{self._device} was removed")
        if not self._is_logged_in():
            reason = self.latest.reason or self.latest.last_exit or "nobody scanned the code in time"
            raise Failure(f"The login of {self._device} has ended: {reason}")
        return self.latest

    def _is_logged_in(self) -> bool:
        return self.latest is not None and self.latest.state == "logged_in"

    def _is_over(self) -> bool:
        return self.latest is None or self.latest.worker in ("stopped", "parked")


async def _pair(place: Place, device: str, phone: str | None, json: bool) -> DeviceRow:
    with zmq.Context() as context:
        async with linked(context, place, wire.supervisor_socket(place.runtime), "The gateway") as supervisor:
            started = await supervisor.ask(StartWorker(device_id=device), SECONDS)
            row = _Row(started.device_id)
            row.take(started)
            if started.state == "logged_in":
                return started
            with Listener(context, wire.supervisor_feed(place.runtime), row.received):
                await _ask_worker(context, place, row, started.device_id, phone, json)
                return row.outcome()


async def _ask_worker(
    context: Context, place: Place, row: _Row, device: str, phone: str | None, json: bool
) -> None:
    address = wire.worker_socket(place.runtime, device)
    async with linked(context, place, address, f"The worker of {device}") as worker:
        if phone is None:
            await _show_codes(worker, row, json)
            return
        code = await worker.ask(LoginWithCode(phone=phone), SECONDS)
        if json:
            show.as_json(code)
        else:
            show.line(f"On the phone: Linked devices, Link with phone number instead: {code.pair_code}")
        await row.settled(_CODE_SECONDS)


async def _show_codes(worker: Link, row: _Row, json: bool) -> None:
    code = await worker.ask(Login(), SECONDS)
    while True:
        _draw(code, json)
        remaining = datetime.fromisoformat(code.expires_at).timestamp() - time.time()
        if await row.settled(max(0.5, remaining)):
            return
        try:
            code = await worker.ask(Login(), SECONDS)
        except Problem:
            # Just scanned, or given up: there is no code any more, and the row will say why.
            if await row.settled(_DECIDED_SECONDS):
                return
            raise


def _draw(code: LoginCode, json: bool) -> None:
    if json:
        show.as_json(code)
        return
    segno.make(code.qr_code, error="l").terminal(out=sys.stdout, compact=True)
    show.line(f"On the phone: Linked devices, Link a device. Code {code.attempt}, valid {code.qr_duration} s")
