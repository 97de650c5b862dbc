"""`wagatewayctl logs`: the log file for people; needs no running gateway."""

import argparse
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import msgspec

from wagateway import logs
from wagateway.ctl import show
from wagateway.ctl.asking import Failure, Place
from wagateway.ctl.nouns import Nouns, argument

_HEAD = ("timestamp", "level", "role", "device", "event", "exception")
_LOOK_SECONDS = 0.25


def add(nouns: Nouns) -> None:
    """Register the verb."""
    nouns.add(
        "logs",
        print_logs,
        "the log of all processes or of one device",
        [
            argument("device", metavar="DEVICE", nargs="?", help="only lines of this device"),
            argument("-f", "--follow", action="store_true", help="go on as lines are written"),
            argument("-n", dest="number", type=int, default=50, metavar="N", help="how many lines [50]"),
        ],
    )


def print_logs(place: Place, arguments: argparse.Namespace) -> int:
    """Print the last lines and, if asked, those that follow."""
    path = place.storage / "logs" / logs.FILE
    if not path.parent.is_dir():
        raise Failure(f"There is no log in {path.parent}: is --storage right?")

    def emit(raw: str) -> None:
        sys.stdout.write(raw if arguments.json else _readable(raw))
        sys.stdout.flush()

    wanted = _wanted(arguments.device)
    for raw in deque(filter(wanted, _stored(path)), maxlen=max(0, arguments.number)):
        emit(raw)
    if arguments.follow:
        for raw in follow(path, lambda: time.sleep(_LOOK_SECONDS)):
            if wanted(raw):
                emit(raw)
    return 0


def follow(path: Path, wait: Callable[[], None]) -> Iterator[str]:
    """Every line written to the file from now on, also after it was rotated; `wait` passes the time."""
    position = path.stat().st_size if path.exists() else 0
    while True:
        if not path.exists():
            wait()
            position = 0
            continue
        with path.open(encoding="utf-8", errors="replace") as file:
            file.seek(position)
            while not _replaced(path, file.fileno()):
                yield from _lines(file)
                wait()
            yield from _lines(file)
        position = 0


def _lines(file: TextIO) -> Iterator[str]:
    while True:
        position = file.tell()
        raw = file.readline()
        if not raw.endswith("\n"):
            file.seek(position)  # the rest of this line is still being written
            return
        yield raw


def _replaced(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino != os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return True


def _stored(path: Path) -> Iterator[str]:
    for each in (path.with_name(path.name + ".1"), path):
        if each.exists():
            with each.open(encoding="utf-8", errors="replace") as file:
                yield from file


def _wanted(device: str | None) -> Callable[[str], bool]:
    return lambda raw: device is None or _decode(raw).get("device") == device


def _decode(raw: str) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return {"event": raw}
    return decoded if isinstance(decoded, dict) else {"event": raw}


def _readable(raw: str) -> str:
    fields = {name: show.plain(str(value)) for name, value in _decode(raw.rstrip("\n")).items()}
    moment = fields.get("timestamp", "")[:23].replace("T", " ")
    who = " ".join(fields[name] for name in ("role", "device") if name in fields)
    rest = " ".join(f"{name}={value}" for name, value in fields.items() if name not in _HEAD)
    text = f"{moment} {fields.get('level', ''):8} [{who}] {fields.get('event', '')} {rest}".rstrip() + "\n"
    trace = str(_decode(raw).get("exception", ""))
    return text + "".join(f"    {show.plain(each)}\n" for each in trace.splitlines())
