"""From the Structs of commands and replies to JSON schemas."""

from collections.abc import Iterable, Iterator, Mapping
from inspect import cleandoc
from types import NoneType
from typing import Any

import msgspec
from msgspec import NODEFAULT, inspect
from msgspec.structs import FieldInfo

from wagateway.contract import Command, largest_upload, reply_type

Schema = dict[str, object]

REFS = "#/components/schemas/"


class Input(msgspec.Struct, frozen=True):
    """A field that clients fill. `flat` is whether a query or a form can carry it.

    `most` is the largest size of the file that it takes, in bytes; 0 for what is no file.
    """

    name: str
    schema: Schema
    required: bool
    flat: bool
    most: int


class Schemas(msgspec.Struct, frozen=True):
    """The fields of commands and the schemas of replies; what several share stands in `components`."""

    inputs: Mapping[type[Command[Any]], tuple[Input, ...]]
    replies: Mapping[object, Schema]
    components: dict[str, Schema]


def schemas_of(commands: Iterable[type[Command[Any]]], replies: Iterable[object]) -> Schemas:
    """All schemas of these commands, and of replies that no command has."""
    fields = {command: msgspec.structs.fields(command) for command in commands}
    taken = [field.type for own in fields.values() for field in own if not largest_upload(field)]
    given = sorted({*replies, *map(reply_type, fields)} - {NoneType}, key=repr)
    answered = {**_structs(given)}
    kinds = [*taken, *given, *answered]
    found, components = msgspec.json.schema_components(kinds, ref_template=REFS + "{name}")
    schemas = iter(map(_portable, found))
    inputs = {
        command: tuple(_input(field, {} if largest_upload(field) else next(schemas)) for field in own)
        for command, own in fields.items()
    }
    replied = {kind: next(schemas) for kind in given}
    shared = {_short(name): _portable(schema) for name, schema in components.items()}
    for kind, omits in answered.items():
        component = shared[str(next(schemas)["$ref"]).removeprefix(REFS)]
        if not omits and kind not in _structs(taken):
            _complete(component)
    return Schemas(inputs, replied, shared)


def _input(field: FieldInfo, schema: Schema) -> Input:
    info = inspect.type_info(field.type)
    if most := largest_upload(field):
        text = f"A file of at most {most // 1_000_000} MB"
        schema = {"type": "string", "format": "binary", "description": text}
    elif not field.required:
        schema = _with_default(_without_null(schema), field)
    if any(isinstance(part, inspect.FloatType) for part in _parts(info)):
        schema |= {"type": ["number", "string"]}
    nested = (inspect.StructType, inspect.DictType)
    flat = bool(most) or not any(isinstance(part, nested) for part in _parts(info))
    return Input(field.encode_name, schema, field.required, flat, most)


def _without_null(schema: Schema) -> Schema:
    """Null and a field that is not there say the same, and `null` in a query would be a text."""
    choices = schema.get("anyOf")
    if not isinstance(choices, list):
        return schema
    rest = [choice for choice in choices if choice != {"type": "null"}]
    others = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**rest[0], **others} if len(rest) == 1 else {"anyOf": rest, **others}


def _with_default(schema: Schema, field: FieldInfo) -> Schema:
    default = field.default if field.default_factory is NODEFAULT else field.default_factory()
    return schema if default is None else {**schema, "default": msgspec.to_builtins(default)}


def _complete(component: Schema) -> None:
    """An answer has all its fields; only for who makes one do some have defaults."""
    properties = component["properties"]
    assert isinstance(properties, dict)
    component["required"] = list(properties)
    for schema in properties.values():
        schema.pop("default", None)


def _portable(schema: Any) -> Any:
    """Patterns as JavaScript reads them, and names of components without our folders."""
    if isinstance(schema, list):
        return [_portable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _portable(value) for key, value in schema.items()}
    if isinstance(pattern := found.get("pattern"), str):
        found["pattern"] = pattern.replace(r"\Z", "$")
    if isinstance(text := found.get("description"), str):
        found["description"] = cleandoc(text)
    if isinstance(ref := found.get("$ref"), str):
        found["$ref"] = REFS + _short(ref.removeprefix(REFS))
    return found


def _short(name: str) -> str:
    """What msgspec calls after its module is one of two of that name: the sandbox's, or everybody's."""
    folder, _, own = name.rpartition(".")
    return f"Sandbox{own}" if ".sandbox." in folder else own


def _structs(kinds: Iterable[object]) -> dict[type, bool]:
    """The Structs in these types, and whether each leaves out what has its default."""
    infos = inspect.multi_type_info(kinds)
    parts = [part for info in infos for part in _parts(info) if isinstance(part, inspect.StructType)]
    return {part.cls: part.cls.__struct_config__.omit_defaults for part in parts}


def _parts(info: inspect.Type) -> Iterator[inspect.Type]:
    """The type and all that it is made of."""
    yield info
    for name in info.__struct_fields__:
        value = getattr(info, name)
        for one in value if isinstance(value, tuple) else (value,):
            inner = one.type if isinstance(one, inspect.Field) else one
            if isinstance(inner, inspect.Type):
                yield from _parts(inner)
