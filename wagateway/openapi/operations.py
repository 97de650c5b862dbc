"""From commands and their routes to the operations of the document."""

import inspect
import re
from collections.abc import Mapping
from typing import Any

from wagateway.contract import Command, Route, reply_type
from wagateway.openapi import answers
from wagateway.openapi.schemas import Input, Schema, Schemas

_FORMS = (answers.JSON, "application/x-www-form-urlencoded", "multipart/form-data")
_CAPTURED = re.compile(r"{(\w+)}")
_DEVICE = "device_id"
_KEY = "idempotency_key"
_TEXT: Schema = {"schema": {"type": "string"}}


class Operations:
    """Makes the operations of commands; the bodies they take go into the components of the schemas.

    `files` and `streams` are those of `Facts`.
    """

    def __init__(
        self,
        schemas: Schemas,
        files: Mapping[type[Command[Any]], str],
        streams: Mapping[type[Command[Any]], str],
    ) -> None:
        self._schemas = schemas
        self._files = files
        self._streams = streams

    def of(self, command: type[Command[Any]]) -> list[tuple[Route, Schema]]:
        """An operation for each route, all under names of their own."""
        found = []
        for number, route in enumerate(command.routes, start=1):
            name = command.__name__ if number == 1 else f"{command.__name__}{number}"
            found.append((route, self._operation(command, route, name)))
        return found

    def _operation(self, command: type[Command[Any]], route: Route, name: str) -> Schema:
        summary, description = texts(command)
        captured = _CAPTURED.findall(route.path)
        names_device = any(one.name == _DEVICE and one.required for one in self._schemas.inputs[command])
        addressed = command.target == "device" or names_device
        inputs = [
            one
            for one in self._schemas.inputs[command]
            if one.name not in (*captured, _KEY) and not (addressed and one.name == _DEVICE)
        ]
        content = {} if route.method == "GET" else self._body(command, inputs)
        found: Schema = {"operationId": name, "tags": [tag(command)], "summary": summary}
        if description:
            found["description"] = description
        parameters = self._parameters(command, captured, addressed=addressed)
        if route.method == "GET":
            parameters += [parameter(one, "query") for one in inputs]
        if parameters:
            found["parameters"] = parameters
        if content:
            found["requestBody"] = {"content": content, "required": any(one.required for one in inputs)}
        takes_files = any(one.most for one in inputs)
        refused = answers.refusals(command, body=bool(content), files=takes_files)
        found["responses"] = answers.responses(self._answer(command), refused)
        return found

    def _parameters(
        self, command: type[Command[Any]], captured: list[str], *, addressed: bool
    ) -> list[Schema]:
        inputs = {one.name: one for one in self._schemas.inputs[command]}
        found: list[Schema] = []
        if addressed:
            named = ("DevicePath",) if _DEVICE in captured else ("DeviceHeader", "DeviceQuery")
            found += [{"$ref": f"#/components/parameters/{one}"} for one in named]
        found += [parameter(inputs[name], "path") for name in captured if name != _DEVICE]
        if _KEY in inputs:
            found.append(parameter(inputs[_KEY], "header", "Idempotency-Key"))
        return found

    def _body(self, command: type[Command[Any]], inputs: list[Input]) -> Schema:
        if not inputs:
            return {}
        files = [one for one in inputs if one.most]
        values = [one for one in inputs if not one.most]
        whole: Schema = {"multipart/form-data": {"schema": _object([*values, *files])}}
        if any(one.required for one in files):
            return whole
        shared = self._schemas.components.setdefault(command.__name__, _object(values))
        assert shared == _object(values), f"two things in the document are called {command.__name__}"
        reference = {"schema": {"$ref": f"#/components/schemas/{command.__name__}"}}
        kinds = _FORMS if all(one.flat for one in inputs) else _FORMS[:1]
        found: Schema = dict.fromkeys(kinds, reference)
        return found | whole if files else found

    def _answer(self, command: type[Command[Any]]) -> Schema:
        if command in self._files:
            return {self._files[command]: _TEXT}
        reply = self._schemas.replies.get(reply_type(command))
        found: Schema = {answers.JSON: {"schema": answers.envelope(reply)}}
        return found | ({self._streams[command]: _TEXT} if command in self._streams else {})


def tag(command: type[Command[Any]]) -> str:
    """The group of a command: its module, or the sandbox."""
    names = command.__module__.split(".")
    return "sandbox" if "sandbox" in names else names[-1]


def texts(command: type[Command[Any]]) -> tuple[str, str]:
    """The first line of the docstring, and what it and those of its bases say beyond their first lines."""
    summary, rest = _split(command)
    bases = command.__mro__[1 : command.__mro__.index(Command)]
    return summary.rstrip("."), "\n\n".join(filter(None, [rest, *(_split(base)[1] for base in bases)]))


def _split(command: type[Command[Any]]) -> tuple[str, str]:
    summary, _, rest = inspect.cleandoc(command.__doc__ or "").partition("\n")
    return summary, rest.strip()


def parameter(field: Input, place: str, name: str = "") -> Schema:
    """A field where it stands in a request, for the document."""
    schema = field.schema
    if schema.get("type") == ["number", "string"]:
        schema = {**schema, "type": "number"}  # all that stands there is text, so this one must be a number
    found: Schema = {"name": name or field.name, "in": place, "schema": schema}
    if schema.get("type") == "array":
        found |= {"style": "form", "explode": False}  # commas part the items
    if field.required or place == "path":
        found["required"] = True
    return found


def _object(fields: list[Input]) -> Schema:
    found: Schema = {"type": "object", "properties": {one.name: one.schema for one in fields}}
    if required := [one.name for one in fields if one.required]:
        found["required"] = required
    return found | {"additionalProperties": False}
