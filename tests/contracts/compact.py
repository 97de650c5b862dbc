"""What an OpenAPI document says, small enough to compare: names, types and what is required, by operation.

`gowa-openapi.json` was made of the `gowa-openapi.yaml` of the real server (9.0.0) with

    python -m tests.contracts.compact gowa-openapi.yaml > tests/contracts/gowa-openapi.json
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Fields = dict[str, str]
Operation = dict[str, Fields]
METHODS = ("get", "post", "put", "patch", "delete")


def compact(document: dict[str, Any]) -> dict[str, Operation]:
    """By method and path: what travels in the path, query, header and body, and what `results` holds.

    A field is `a.b` in an object and `a[].b` in a list. Its type ends in `!` where it is required.
    """
    return {
        f"{method.upper()} {path}": _operation(document, operations[method])
        for path, operations in document["paths"].items()
        for method in METHODS
        if method in operations
    }


def _operation(document: dict[str, Any], operation: dict[str, Any]) -> Operation:
    found: Operation = {}
    for given in operation.get("parameters", []):
        parameter = _resolved(document, given)
        mark = "!" if parameter.get("required") else ""
        kind = _type(document, parameter["schema"])
        found.setdefault(parameter["in"], {})[parameter["name"]] = kind + mark
    for content in operation.get("requestBody", {}).get("content", {}).values():
        body = found.setdefault("body", {})
        for name, kind in _fields(document, content["schema"], ""):
            body[name] = kind if body.get(name, kind) == kind else f"{body[name]}, {kind}"
    done = _resolved(document, operation["responses"].get("200", {}))  # a WebSocket is answered with 101
    for kind, content in done.get("content", {}).items():
        if kind == "application/json":
            fields = dict(_fields(document, content["schema"], ""))
            found["answer"] = {name: kind for name, kind in fields.items() if name.startswith("results")}
        else:
            found["answer"] = {kind: "file"}
    return found


def _fields(document: dict[str, Any], schema: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
    schema = _merged(document, schema)
    required = schema.get("required", [])
    for name, given in schema.get("properties", {}).items():
        inner = f"{place}.{name}" if place else name
        yield inner, _type(document, given) + ("!" if name in required else "")
        yield from _fields(document, given, inner)
    if "items" in schema:
        yield f"{place}[]", _type(document, schema["items"])
        yield from _fields(document, schema["items"], f"{place}[]")


def _type(document: dict[str, Any], schema: dict[str, Any]) -> str:
    schema = _merged(document, schema)
    if schema.get("format") == "binary":
        return "file"
    kinds = schema.get("type", [])
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    for value in [*schema.get("enum", []), *([schema["const"]] if "const" in schema else [])]:
        kinds.add({bool: "boolean", int: "integer", str: "string"}[type(value)])
    return "|".join(sorted(kinds - {"null"})) or "any"


def _merged(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with what it refers to and consists of, and with the only choice that is not null."""
    found = _resolved(document, schema)
    choices = [one for one in found.get("anyOf", []) if one != {"type": "null"}]
    for part in [*found.get("allOf", []), *(choices if len(choices) == 1 else [])]:
        part = _merged(document, part)
        properties = {**found.get("properties", {}), **part.get("properties", {})}
        found = {**found, **part, **({"properties": properties} if properties else {})}
    return found


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Any = document
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return {**_resolved(document, found), **{key: one for key, one in schema.items() if key != "$ref"}}


def main(path: str) -> None:
    """Print the compact form of a YAML document, an operation a line."""
    import yaml  # only who makes the file anew needs it

    found = compact(yaml.safe_load(Path(path).read_text()))
    lines = [f"{json.dumps(name)}: {json.dumps(operation)}" for name, operation in found.items()]
    print("{\n" + ",\n".join(lines) + "\n}")


if __name__ == "__main__":
    main(sys.argv[1])
