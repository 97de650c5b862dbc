"""Which endpoint a path leads to."""

from collections.abc import Iterator
from typing import Generic, TypeVar
from urllib.parse import unquote

from wagateway.contract import Problem

E = TypeVar("E")


class Node(Generic[E]):
    """A path segment: what follows it, and the endpoints that end here, by method."""

    def __init__(self) -> None:
        self.fixed: dict[str, Node[E]] = {}
        self.captured: Node[E] | None = None
        self.endpoints: dict[str, tuple[E, tuple[str, ...]]] = {}


class Routes(Generic[E]):
    """All routes; a segment `{name}` matches any non-empty segment and captures it."""

    def __init__(self) -> None:
        self._root: Node[E] = Node()
        self._fixed: dict[str, dict[str, tuple[E, tuple[str, ...]]]] = {}

    def add(self, method: str, path: str, endpoint: E) -> None:
        """Register; raises TypeError when the method and path are taken."""
        node, names = self._root, []
        for segment in path.strip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment.strip("{}"))
                node.captured = node.captured or Node()
                node = node.captured
            else:
                node = node.fixed.setdefault(segment, Node())
        if method in node.endpoints:
            raise TypeError(f"two commands for {method} {path}")
        node.endpoints[method] = (endpoint, tuple(names))
        if not names:
            self._fixed[path] = node.endpoints

    def find(self, method: str, path: str) -> tuple[E, dict[str, str]] | frozenset[str] | None:
        """The endpoint with what its path captured (percent-decoded), or the allowed methods, or None.

        Raises 400 `BAD_REQUEST` for a path that is not UTF-8 when decoded.
        """
        fixed = self._fixed.get(path)
        if fixed is not None and method in fixed:
            return fixed[method][0], {}
        allowed: set[str] = set()
        for node, values in _ends(self._root, _segments(path)):
            if method in node.endpoints:
                endpoint, names = node.endpoints[method]
                return endpoint, dict(zip(names, values, strict=True))
            allowed.update(node.endpoints)
        return frozenset(allowed) or None


def _segments(path: str) -> list[str]:
    try:
        return [unquote(segment, errors="strict") for segment in path.strip("/").split("/")]
    except UnicodeDecodeError:
        raise Problem(400, "BAD_REQUEST", "The path is not UTF-8") from None


def _ends(
    node: "Node[E]", segments: list[str], values: tuple[str, ...] = ()
) -> Iterator[tuple["Node[E]", tuple[str, ...]]]:
    if not segments:
        yield node, values
        return
    first, *rest = segments
    if first in node.fixed:
        yield from _ends(node.fixed[first], rest, values)
    if node.captured is not None and first:
        yield from _ends(node.captured, rest, (*values, first))
