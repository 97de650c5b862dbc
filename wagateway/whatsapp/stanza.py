"""Stanzas, the XML-like elements that WhatsApp's connection carries, in their binary encoding."""

import re
import zlib

import msgspec

from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.tokens import DOUBLE, SINGLE

MAX_BYTES = 1 << 24
"""The most bytes that a compressed stanza may unfold to."""
MAX_DEPTH = 64
MAX_NODES = 1 << 18

_DICTIONARY_0 = 236
_DEVICE_JID = 247
_LIST_8 = 248
_LIST_16 = 249
_JID_PAIR = 250
_HEX_8 = 251
_BINARY_8 = 252
_BINARY_20 = 253
_BINARY_32 = 254
_NIBBLE_8 = 255
_ZLIB_FLAG = 2

_DOMAINS = {"s.whatsapp.net": 0, "lid": 1, "hosted": 128, "hosted.lid": 129}
_SERVERS = {domain: server for server, domain in _DOMAINS.items()}

_ENCODED = {word: bytes([index]) for index, word in enumerate(SINGLE) if word} | {
    word: bytes([_DICTIONARY_0 + dictionary, index])
    for dictionary, words in enumerate(DOUBLE)
    for index, word in enumerate(words)
}
_nibbles = re.compile(r"[0-9.\-]{0,127}").fullmatch
_hex_digits = re.compile(r"[0-9A-F]{0,127}").fullmatch
_TO_NIBBLES = str.maketrans("-.", "ab")
_FROM_NIBBLES = str.maketrans("abf", "-.\0")


class Jid(msgspec.Struct, frozen=True):
    """A WhatsApp address: `user@server`, `user:device@server`, or a server alone (empty user)."""

    user: str
    server: str
    device: int = 0

    def __str__(self) -> str:
        if self.device:
            return f"{self.user}:{self.device}@{self.server}"
        return f"{self.user}@{self.server}" if self.user else self.server

    @classmethod
    def parse(cls, text: str) -> "Jid":
        """Read what `str` writes, and also `user.agent:device@server`; `ProtocolError` otherwise."""
        user, _, server = text.rpartition("@")
        user, colon, device = user.partition(":")
        user, dot, agent = user.partition(".")
        numbers = [number for mark, number in ((colon, device), (dot, agent)) if mark]
        if not server or "@" in user or not all(n.isascii() and n.isdigit() and len(n) < 6 for n in numbers):
            raise ProtocolError(f"not a JID: {text[:80]!r}")
        return cls(user, server, int(device or 0))

    def bare(self) -> "Jid":
        """The address of the whole account: without the device."""
        return Jid(self.user, self.server) if self.device else self


class Node(msgspec.Struct, frozen=True):
    """One element: its tag, its attributes and either bytes, child elements or nothing.

    An attribute that names an address must be a `Jid`: clients refuse the same characters as text.
    """

    tag: str
    attrs: dict[str, str | Jid] = {}
    content: "bytes | list[Node] | None" = None

    def child(self, tag: str) -> "Node | None":
        """The first child element with this tag."""
        if isinstance(self.content, list):
            for node in self.content:
                if node.tag == tag:
                    return node
        return None

    def children(self, tag: str = "") -> "list[Node]":
        """The child elements with this tag, or all of them."""
        if not isinstance(self.content, list):
            return []
        return [node for node in self.content if not tag or node.tag == tag]

    def attr(self, name: str) -> str:
        """The attribute as text, empty when there is none."""
        return str(self.attrs.get(name, ""))

    def jid(self, name: str) -> Jid:
        """The attribute as an address; `ProtocolError` when there is none."""
        value = self.attrs.get(name, "")
        return value if isinstance(value, Jid) else Jid.parse(value)

    def body(self) -> bytes:
        """The content when it is bytes, else nothing."""
        return self.content if isinstance(self.content, bytes) else b""


def encode(node: Node) -> bytes:
    """The plaintext of the frame that carries `node`, uncompressed, with its leading flag byte."""
    out = bytearray(1)
    _write_node(out, node)
    return bytes(out)


def decode(data: bytes) -> Node:
    """The stanza in a frame's plaintext; `ProtocolError` for anything that is not exactly one."""
    if not data:
        raise ProtocolError("an empty stanza")
    reader = _Reader(_inflate(data[1:]) if data[0] & _ZLIB_FLAG else data[1:])
    node = reader.node(0)
    if reader.position != len(reader.data):
        raise ProtocolError("bytes are left over after a stanza")
    return node


def _inflate(data: bytes) -> bytes:
    inflator = zlib.decompressobj()
    try:
        plain = inflator.decompress(data, MAX_BYTES)
    except zlib.error as error:
        raise ProtocolError("a compressed stanza does not unfold") from error
    if not inflator.eof:
        raise ProtocolError("a compressed stanza is cut short or too large")
    return plain


def _write_node(out: bytearray, node: Node) -> None:
    attrs = [(name, value) for name, value in node.attrs.items() if value]
    content = node.content
    _write_list_start(out, 1 + 2 * len(attrs) + (content is not None))
    _write_text(out, node.tag)
    for name, value in attrs:
        _write_text(out, name)
        if isinstance(value, Jid):
            _write_jid(out, value)
        else:
            _write_text(out, value)
    if isinstance(content, bytes):
        _write_bytes(out, content)
    elif content is not None:
        _write_list_start(out, len(content))
        for child in content:
            _write_node(out, child)


def _write_list_start(out: bytearray, size: int) -> None:
    if size == 0:
        out.append(0)
    elif size < 256:
        out += bytes((_LIST_8, size))
    elif size < 1 << 16:
        out.append(_LIST_16)
        out += size.to_bytes(2, "big")
    else:
        raise ProtocolError(f"a stanza cannot hold {size} elements")


def _write_bytes(out: bytearray, data: bytes) -> None:
    size = len(data)
    if size < 256:
        out += bytes((_BINARY_8, size))
    elif size < 1 << 20:
        out.append(_BINARY_20)
        out += size.to_bytes(3, "big")
    else:
        out.append(_BINARY_32)
        out += size.to_bytes(4, "big")
    out += data


def _write_text(out: bytearray, text: str) -> None:
    token = _ENCODED.get(text)
    if token is not None:
        out += token
    elif _nibbles(text):
        _write_packed(out, _NIBBLE_8, text.translate(_TO_NIBBLES))
    elif _hex_digits(text):
        _write_packed(out, _HEX_8, text)
    else:
        _write_bytes(out, text.encode())


def _write_packed(out: bytearray, tag: int, digits: str) -> None:
    odd = len(digits) % 2
    out += bytes((tag, (len(digits) + odd) // 2 | odd << 7))
    out += bytes.fromhex(digits + "f" if odd else digits)


def _write_jid(out: bytearray, jid: Jid) -> None:
    domain = _DOMAINS.get(jid.server)
    # Only hosted addresses are written as device addresses even for device 0.
    if domain is not None and (jid.device or domain >= 128):
        if jid.device > 255:
            raise ProtocolError(f"a stanza cannot hold device number {jid.device}")
        out += bytes((_DEVICE_JID, domain, jid.device))
        _write_text(out, jid.user)
        return
    out.append(_JID_PAIR)
    if jid.user:
        _write_text(out, jid.user)
    else:
        out.append(0)
    _write_text(out, jid.server)


class _Reader:
    __slots__ = ("data", "nodes", "position")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.nodes = 0

    def node(self, depth: int) -> Node:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise ProtocolError("a stanza is nested too deeply or has too many elements")
        size = self._list_size(self._byte())
        tag = self._value(self._byte()) if size else None
        if not isinstance(tag, str) or not tag:
            raise ProtocolError("an element has no tag")
        attrs: dict[str, str | Jid] = {}
        for _ in range((size - 1) // 2):
            name, value = self._value(self._byte()), self._value(self._byte())
            if not isinstance(name, str):
                raise ProtocolError("an attribute's name is not text")
            if value is not None:
                attrs[name] = value
        return Node(tag, attrs, None if size % 2 else self._content(depth))

    def _content(self, depth: int) -> bytes | list[Node] | None:
        tag = self._byte()
        if tag in (_LIST_8, _LIST_16):
            return [self.node(depth + 1) for _ in range(self._list_size(tag))]
        if tag in (_BINARY_8, _BINARY_20, _BINARY_32):
            return self._binary(tag)
        # Clients may write content that happens to be a word or a number as a token.
        value = self._value(tag)
        return None if value is None else str(value).encode()

    def _value(self, tag: int) -> str | Jid | None:
        if tag == 0:
            return None
        if tag < _DICTIONARY_0:
            return SINGLE[tag]
        if tag < _DICTIONARY_0 + len(DOUBLE):
            return DOUBLE[tag - _DICTIONARY_0][self._byte()]
        if tag in (_BINARY_8, _BINARY_20, _BINARY_32):
            return self._text(tag)
        if tag in (_JID_PAIR, _DEVICE_JID):
            return self._jid(tag)
        if tag in (_NIBBLE_8, _HEX_8):
            return self._packed(tag)
        raise ProtocolError(f"unknown token {tag}")

    def _jid(self, tag: int) -> Jid:
        if tag == _DEVICE_JID:
            domain, device = self._byte(), self._byte()
            return Jid(self._word() or "", _SERVERS.get(domain, "s.whatsapp.net"), device)
        user, server = self._word() or "", self._word()
        if not server:
            raise ProtocolError("a JID has no server")
        return Jid(user, server)

    def _word(self) -> str | None:
        # Reading a JID within a JID would let a few bytes recurse without end.
        tag = self._byte()
        if tag in (_JID_PAIR, _DEVICE_JID):
            raise ProtocolError("a JID within a JID")
        value = self._value(tag)
        assert not isinstance(value, Jid)
        return value

    def _packed(self, tag: int) -> str:
        start = self._byte()
        digits = self._take(start & 0x7F).hex()
        if tag == _HEX_8:
            text = digits.upper()
        elif "c" in digits or "d" in digits or "e" in digits:
            raise ProtocolError("not packed digits")
        else:
            text = digits.translate(_FROM_NIBBLES)
        return text[:-1] if start & 0x80 else text

    def _text(self, tag: int) -> str:
        try:
            return self._binary(tag).decode()
        except UnicodeDecodeError as error:
            raise ProtocolError("an attribute is not UTF-8") from error

    def _binary(self, tag: int) -> bytes:
        if tag == _BINARY_8:
            return self._take(self._byte())
        if tag == _BINARY_20:
            return self._take(int.from_bytes(self._take(3), "big") & 0xFFFFF)
        return self._take(int.from_bytes(self._take(4), "big"))

    def _list_size(self, tag: int) -> int:
        if tag == _LIST_8:
            return self._byte()
        if tag == _LIST_16:
            return int.from_bytes(self._take(2), "big")
        if tag == 0:
            return 0
        raise ProtocolError(f"token {tag} does not begin a list")

    def _byte(self) -> int:
        try:
            value = self.data[self.position]
        except IndexError:
            raise ProtocolError("a stanza is cut short") from None
        self.position += 1
        return value

    def _take(self, size: int) -> bytes:
        start = self.position
        self.position = end = start + size
        if end > len(self.data):
            raise ProtocolError("a stanza is cut short")
        return self.data[start:end]
