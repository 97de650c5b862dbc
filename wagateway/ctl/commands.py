"""The command that the words of somebody at a terminal mean."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from wagateway.contract import Command
from wagateway.ctl.asking import Failure

C = TypeVar("C", bound=Command[Any])

_PLACE = re.compile(r" - at `\$\.(\w+)[^`]*`$")
_BOUNDS = {"<=": "at most", ">=": "at least"}
_BEYOND = re.compile(r"Expected `(int|float|str|array|object)`( of length)? ([<>]=) (\S+)")


def command_of(kind: type[C], given: Mapping[str, object], *, strict: bool = True) -> C:
    """The command with these fields, without those that are None.

    Unless `strict`, texts stand for numbers and truths too. Raises `Failure`, which names the field.
    """
    said = {name: value for name, value in given.items() if value is not None}
    try:
        command: C = msgspec.convert(said, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise Failure(_sentence(str(error))) from None
    return command


def listed(said: str | None) -> list[str] | None:
    """What commas part; None where nothing was said."""
    return None if said is None else [part.strip() for part in said.split(",") if part.strip()]


def _sentence(error: str) -> str:
    place = _PLACE.search(error)
    if place is None:
        return error
    return f"{place[1]}: {_what(error[: place.start()])}"


def _what(error: str) -> str:
    if "matching regex" in error:
        return "has characters that it may not have"
    if (beyond := _BEYOND.fullmatch(error)) is None:
        return error
    kind, of_length, bound, number = beyond.groups()
    if of_length:
        return f"must have {_BOUNDS[bound]} {number} {'characters' if kind == 'str' else 'entries'}"
    return f"must be {_BOUNDS[bound]} {number}"
