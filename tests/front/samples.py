"""A valid request for every route of the catalogue."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
from msgspec import inspect

from wagateway.commands import catalogue
from wagateway.contract import Command, Route, Upload

DEVICE = "shop-1"


class Sample(msgspec.Struct, frozen=True):
    """A route of a command, filled so that it is accepted; `files` names the fields that take one."""

    command: type[Command[Any]]
    route: Route
    path: str
    values: dict[str, Any]
    files: tuple[str, ...] = ()

    @property
    def request(self) -> dict[str, Any]:
        """How the values that are not in the path travel."""
        if self.files:
            form = aiohttp.FormData({name: str(value) for name, value in self.values.items()})
            for name in self.files:
                form.add_field(name, b"x", filename="x")
            return {"data": form}
        if self.route.method == "GET":
            return {"params": {name: str(value) for name, value in self.values.items()}}
        return {"json": self.values}


def samples() -> Iterator[Sample]:
    """Every route."""
    for command in catalogue().values():
        info = inspect.type_info(command)
        assert isinstance(info, inspect.StructType)
        required = {field.encode_name: field.type for field in info.fields if field.required}
        for route in command.routes:
            files = tuple(name for name, kind in required.items() if _is_upload(kind))
            plain = required.keys() - {"device_id", *files}
            values = {name: _value(required[name]) for name in required if name in plain}
            path = route.path.replace("{device_id}", DEVICE)
            for name in list(values):
                if f"{{{name}}}" in path:
                    path = path.replace(f"{{{name}}}", quote(str(values.pop(name)), safe=""))
            yield Sample(command, route, path, values, files)


def _is_upload(kind: inspect.Type) -> bool:
    bare = kind.type if isinstance(kind, inspect.Metadata) else kind
    return isinstance(bare, inspect.StructType) and bare.cls is Upload


def _value(kind: inspect.Type) -> Any:
    if isinstance(kind, inspect.Metadata):
        return _value(kind.type)
    if isinstance(kind, inspect.StrType):
        return "6281234567890".ljust(kind.min_length or 0, "0")
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return kind.ge if kind.ge is not None else 1
    if isinstance(kind, inspect.ListType):
        return [_value(kind.item_type)] * (kind.min_length or 0)
    if isinstance(kind, inspect.DictType):
        return {}
    if isinstance(kind, inspect.BoolType):
        return True
    if isinstance(kind, inspect.StructType):
        return {
            field.encode_name: _value(field.type) if field.required else field.default
            for field in kind.fields
        }
    if isinstance(kind, inspect.LiteralType):
        return kind.values[0]
    raise TypeError(f"say how a {kind} is made")
