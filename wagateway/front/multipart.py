"""Reading a multipart/form-data body part by part, however large it is and however it was cut."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

import msgspec

_MOST_BOUNDARY = 70
_MOST_HEADERS = 8192
_MOST_LINES = 32
_BOUNDARY = re.compile(r"[ -~]+")
# A quoted value may hold \" and \\; any other backslash is one, as in the path that old browsers send.
_PARAMETER = re.compile(r""";\s*([\w!#$&+.^`|~*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^";\s]*))\s*""")
_ESCAPED = re.compile(r'\\(["\\])')
_AS_IT_IS = frozenset({"", "7bit", "8bit", "binary"})


class Broken(ValueError):
    """A body that is not multipart/form-data; the text says why."""


class Part(msgspec.Struct, frozen=True):
    """What comes before the bytes of a part; `filename` is None where it is no file, `type` a MIME type."""

    name: str
    filename: str | None
    type: str


class Multipart:
    """The parts of a body, whose bytes `more` returns as they come, and b"" at its end.

    Holds what one call of `more` returned and the length of the boundary, and no more. Raises `Broken`
    and what `more` raises.
    """

    def __init__(self, content_type: str, more: Callable[[], Awaitable[bytes]]) -> None:
        self._mark = b"\r\n--" + _boundary(content_type)
        self._more = more
        # The first boundary need not follow a line, and is found like the others all the same.
        self._held = bytearray(b"\r\n")
        self._inside = True

    async def next(self) -> Part | None:
        """The next part, after what is left of this one; None after the last."""
        while self._inside:
            await self.data()
        del self._held[: len(self._mark)]
        while len(self._held) < 2:
            await self._fill()
        if self._held.startswith(b"--"):
            return None
        head = await self._head()
        self._inside = True
        return _part(head)

    @property
    def part_is_read(self) -> bool:
        """Whether `data` has given all of this part."""
        return not self._inside or self._held.startswith(self._mark)

    async def data(self) -> bytes:
        """Some bytes of this part; b"" at its end."""
        while self._inside:
            end = self._held.find(self._mark)
            if end == 0:
                self._inside = False
                break
            # What could be the beginning of a boundary waits for the rest of it.
            sure = end if end > 0 else len(self._held) - len(self._mark) + 1
            if sure > 0:
                found = bytes(self._held[:sure])
                del self._held[:sure]
                return found
            await self._fill()
        return b""

    async def _head(self) -> str:
        while (end := self._held.find(b"\r\n\r\n", 0, _MOST_HEADERS)) < 0:
            if len(self._held) >= _MOST_HEADERS:
                raise Broken("the headers of a part are too long or do not end")
            await self._fill()
        head = self._held[:end].decode(errors="replace")
        del self._held[: end + 4]
        return head

    async def _fill(self) -> None:
        chunk = await self._more()
        if not chunk:
            raise Broken("it ends before its last boundary")
        self._held += chunk


def _boundary(content_type: str) -> bytes:
    boundary = _parameters(content_type).get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary) or len(boundary) > _MOST_BOUNDARY:
        raise Broken("its Content-Type has no boundary that can be used")
    return boundary.encode()


def _part(head: str) -> Part:
    headers = _headers(head)
    disposition = headers.get("content-disposition", "")
    named = _parameters(disposition)
    if disposition.partition(";")[0].strip().lower() != "form-data" or "name" not in named:
        raise Broken("a part has no name")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        raise Broken("a part is multipart itself")
    encoding = headers.get("content-transfer-encoding", "").lower()
    if encoding not in _AS_IT_IS:
        raise Broken("a part has a Content-Transfer-Encoding")
    return Part(named["name"], _filename(named), kind)


def _filename(named: dict[str, str]) -> str | None:
    charset, _, rest = named.get("filename*", "").partition("'")
    if charset.lower() != "utf-8":
        return named.get("filename")
    return unquote(rest.partition("'")[2])


def _headers(head: str) -> dict[str, str]:
    padding, *lines = head.split("\r\n")
    if padding.strip(" \t"):
        raise Broken("a boundary goes on")
    if len(lines) > _MOST_LINES:
        raise Broken("a part has too many headers")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or name[0].isspace():
            raise Broken("a header of a part cannot be read")
        headers.setdefault(name.strip().lower(), value.strip())
    return headers


def _parameters(value: str) -> dict[str, str]:
    """The parameters behind the first `;` of a header's value, the first of each name."""
    found: dict[str, str] = {}
    at = len(value.partition(";")[0].rstrip())
    value = value.rstrip().rstrip(";").rstrip()
    while at < len(value):
        match = _PARAMETER.match(value, at)
        if match is None:
            raise Broken("a header has parameters that cannot be read")
        name, quoted, token = match.groups()
        found.setdefault(name.lower(), _ESCAPED.sub(r"\1", quoted) if quoted is not None else token)
        at = match.end()
    return found
