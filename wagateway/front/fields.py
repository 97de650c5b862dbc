"""From what a client wrote to a command: texts of query and forms, values of JSON."""

import functools
import re
from collections.abc import Iterable
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from wagateway.contract import Command, Problem, Upload, largest_upload
from wagateway.problems import invalid

_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
_TRUTHS = {"on": "true", "t": "true", "off": "false", "f": "false"}
_LONGEST_NAME = 64
NOT_UPLOADED = "must be an uploaded file (multipart/form-data)"
_encoder = msgspec.msgpack.Encoder()


class Field(msgspec.Struct, frozen=True):
    """What must be known of a field before its value is converted; `name` is what clients call it.

    `most` is the largest size of the file that fills it, in bytes; 0 where it takes none.
    """

    name: str
    type: Any
    required: bool
    many: bool
    truth: bool
    number: bool
    most: int
    choices: tuple[object, ...]
    takes_none: bool
    takes_blank: bool

    def absent(self, value: object) -> bool:
        """Whether the value only says that there is none."""
        return (value is None and not self.takes_none) or (value == "" and not self.takes_blank)


class Fields:
    """The fields of a command, and the way from values to the encoded command."""

    def __init__(self, command: type[Command[Any]]) -> None:
        self._command = command
        found = msgspec.structs.fields(command)
        self.by_name = {field.encode_name: _field(field) for field in found}
        self.takes_files = any(field.most for field in self.by_name.values())
        self._numbers = [name for name, field in self.by_name.items() if field.number]
        self._required = sorted(name for name, field in self.by_name.items() if field.required)
        self.nothing = b"" if self._required else _encoder.encode(command())

    def from_texts(self, pairs: Iterable[tuple[str, str]], *, commas: bool) -> dict[str, object]:
        """Typed values of a query or form; `commas` is whether a comma separates the items of a list.

        Raises 400 `VALIDATION_ERROR` that names the field.
        """
        values: dict[str, object] = {}
        items: dict[str, list[str]] = {}
        for key, text in pairs:
            field = self.named(key)
            if field.most and text:
                raise invalid(field.name, NOT_UPLOADED)
            if field.many:
                parts = text.split(",") if commas else [text]
                items.setdefault(field.name, []).extend(part.strip() for part in parts if part.strip())
            elif field.name in values:
                raise invalid(field.name, "must be given once")
            elif not field.absent(text):
                values[field.name] = _converted(field, _truth(text) if field.truth else text)
        for name, texts in items.items():
            values[name] = _converted(self.by_name[name], texts)
        return values

    def from_json(self, values: dict[str, object]) -> dict[str, object]:
        """The values of a JSON object; a number may be a text there, as clients send degrees.

        Raises 400 `VALIDATION_ERROR` that names the field.
        """
        for name in self._numbers:
            value = values.get(name)
            if isinstance(value, str) and value:
                values = values | {name: _converted(self.by_name[name], value)}
        return values

    def named(self, key: str) -> Field:
        """The field that a key of a query or form means; raises 400 `VALIDATION_ERROR`."""
        return self._known(key.removesuffix("[]"))

    def encode(self, values: dict[str, object]) -> bytes:
        """The msgpack of the command; raises 400 `VALIDATION_ERROR` that names the field."""
        present = {}
        for name, value in values.items():
            field = self._known(name)
            if not field.absent(value):
                if field.most and value is not None and not isinstance(value, Upload):
                    raise invalid(name, NOT_UPLOADED)
                _refuse_nul(name, value)
                present[name] = value
        missing = [f"{name}: cannot be blank" for name in self._required if name not in present]
        if missing:
            raise Problem(400, "VALIDATION_ERROR", "; ".join(missing) + ".")
        try:
            return _encoder.encode(msgspec.convert(present, self._command))
        except msgspec.ValidationError as error:
            raise self._problem(error) from None
        except UnicodeEncodeError:
            raise Problem(400, "BAD_REQUEST", "The text is not UTF-8") from None
        except OverflowError:
            raise invalid(self._out_of_range(present), "is out of range") from None
        except RecursionError:
            raise Problem(400, "BAD_REQUEST", "The body is nested too deeply") from None

    def _out_of_range(self, values: dict[str, object]) -> str:
        """Which field cannot be encoded: a time that is beyond all calendars in UTC, a number too large."""
        for name, value in values.items():
            try:
                _encoder.encode(_converted(self.by_name[name], value))
            except OverflowError:
                return name
        return "request"

    def _known(self, name: str) -> Field:
        field = self.by_name.get(name)
        if field is None:
            raise invalid(_printable(name), "is not a field of this request")
        return field

    def _problem(self, error: msgspec.ValidationError) -> Problem:
        place = _PLACE.search(str(error))
        name = place[1] if place else "request"
        field = self.by_name.get(name)
        return invalid(name, _what(error, field.choices if field else ()))


@functools.cache
def fields_of(command: type[Command[Any]]) -> Fields:
    """The fields of a command, looked at once."""
    return Fields(command)


def _field(found: msgspec.structs.FieldInfo) -> Field:
    plain = _parts(found.type)
    return Field(
        name=found.encode_name,
        type=found.type,
        required=found.required,
        many=any(get_origin(part) is list for part in plain),
        truth=bool in plain,
        number=float in plain,
        most=largest_upload(found),
        choices=tuple(one for part in plain if get_origin(part) is Literal for one in get_args(part)),
        takes_none=NoneType in plain,
        takes_blank=_accepts_blank(found.type),
    )


def _parts(kind: Any) -> tuple[Any, ...]:
    origin = get_origin(kind)
    if origin is Annotated:
        return _parts(get_args(kind)[0])
    if origin in (Union, UnionType):
        return tuple(part for one in get_args(kind) for part in _parts(one))
    return (kind,)


def _accepts_blank(kind: Any) -> bool:
    try:
        msgspec.convert("", kind)
    except msgspec.ValidationError:
        return False
    return True


def _converted(field: Field, value: object) -> object:
    try:
        return msgspec.convert(value, field.type, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(field.name, _what(error, field.choices)) from None


def _truth(text: str) -> str:
    return _TRUTHS.get(text.lower(), text)


def _what(error: msgspec.ValidationError, choices: tuple[object, ...]) -> str:
    if choices:
        return f"must be one of {', '.join(map(str, choices))}"
    return _PLACE.sub("", str(error))


def _printable(name: str) -> str:
    short = name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"
    return short.encode(errors="replace").decode()


def _refuse_nul(name: str, value: object) -> None:
    left = [value]  # not by recursion: JSON may be nested more deeply than Python calls
    while left:
        one = left.pop()
        if isinstance(one, str) and "\0" in one:
            raise invalid(name, "must not contain a NUL character")
        if isinstance(one, list):
            left.extend(one)
        elif isinstance(one, dict):
            left.extend(one)
            left.extend(one.values())
