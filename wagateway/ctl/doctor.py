"""`wagatewayctl doctor`: what in this environment would keep the gateway from working."""

import argparse
import importlib.metadata
import os
import re
import stat
import sys
from collections.abc import Mapping

import msgspec

from wagateway import wire
from wagateway.ctl import show
from wagateway.ctl.asking import Place
from wagateway.ctl.nouns import Nouns

_OLDEST_PYTHON = (3, 11)
_LONGEST_PATH = 107  # bytes of a Unix socket's path


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at; `text` says what was found and, where it is wrong, what to do."""

    what: str
    well: bool
    text: str


def add(nouns: Nouns) -> None:
    """Register the verb."""
    nouns.add("doctor", doctor, "check this installation")


def doctor(place: Place, arguments: argparse.Namespace) -> int:
    """Print the findings; the exit code is 1 when one is bad."""
    findings = [
        _python(sys.version_info[:3]),
        *(_owner(name, importlib.metadata.packages_distributions()) for name in ("supervisor", "workers")),
        _engine(),
        _runtime(place),
        _sockets(place),
    ]
    if arguments.json:
        show.as_json(findings)
    else:
        rows = [("ok" if each.well else "BAD", each.what, each.text) for each in findings]
        show.columns(("", "WHAT", "FOUND"), rows)
    return 0 if all(each.well for each in findings) else 1


def _python(version: tuple[int, ...]) -> Finding:
    shown = ".".join(map(str, version))
    if version < _OLDEST_PYTHON:
        return Finding("python", False, f"{shown}; wagateway needs 3.11 or later")
    return Finding("python", True, shown)


def _owner(name: str, owners: Mapping[str, list[str]]) -> Finding:
    found = sorted(set(owners.get(name, [])))
    if found == ["wagateway"]:
        return Finding(f"package {name}", True, "belongs to wagateway")
    others = ", ".join(each for each in found if each != "wagateway") or "nobody"
    advice = "install wagateway in an environment of its own"
    return Finding(f"package {name}", False, f"belongs to {others}: {advice}")


def _engine() -> Finding:
    installed = _version("neonize")
    pins = importlib.metadata.requires("wagateway") or []
    pinned = next((found[1] for pin in pins if (found := re.match(r"neonize==([\w.]+)", pin))), "")
    if installed != pinned:
        return Finding("neonize", False, f"{installed or 'missing'}; wagateway is made for {pinned}")
    return Finding("neonize", True, installed)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _runtime(place: Place) -> Finding:
    try:
        facts = place.runtime.stat()
    except FileNotFoundError:
        return Finding("runtime folder", True, f"{place.runtime} is not there yet: the gateway has not run")
    except PermissionError:
        return Finding("runtime folder", False, f"{place.runtime} cannot be entered: run this as its owner")
    mode = stat.S_IMODE(facts.st_mode)
    if mode & 0o077:
        return Finding("runtime folder", False, f"{place.runtime} has mode {mode:04o}: chmod 0700 it")
    if os.getuid() not in (0, facts.st_uid):
        return Finding("runtime folder", False, f"{place.runtime} belongs to another user: use another one")
    return Finding("runtime folder", True, f"{place.runtime}, private")


def _sockets(place: Place) -> Finding:
    longest = max(
        len(os.fsencode(address.removeprefix("ipc://")))
        for address in (wire.worker_socket(place.runtime, "x"), wire.supervisor_feed(place.runtime))
    )
    if longest > _LONGEST_PATH:
        return Finding("socket paths", False, f"{longest} bytes, at most 107: set a shorter --runtime")
    return Finding("socket paths", True, f"{longest} of 107 bytes")
