"""The bytes of an answer as they were before the server compressed them, never many at once."""

import zlib
from collections.abc import AsyncGenerator, Iterator

import aiohttp

from workers.egress.problems import failed

BLOCK = 65536
_PLAIN = ("", "identity")
_ZLIB = ("gzip", "x-gzip", "deflate")
_ANY_HEADER = 47  # zlib's number for: 32 KiB of window, a gzip or a zlib header


async def blocks(response: aiohttp.ClientResponse, field: str) -> AsyncGenerator[bytes]:
    """The body in pieces of a bounded size; raises 400 `URL_FETCH_FAILED` for one that cannot be read.

    We ask for no compression, and some servers compress all the same.
    """
    coding = ",".join(response.headers.getall("Content-Encoding", [])).strip().lower()
    if coding in _PLAIN:
        async for block in response.content.iter_any():
            yield block
    elif coding in _ZLIB:
        inflater = _Inflater(field)
        async for block in response.content.iter_any():
            for piece in inflater.feed(block):
                yield piece
        inflater.finish()
    else:
        raise failed(field, "the server compressed its answer in a way that was not asked for")


class _Inflater:
    def __init__(self, field: str) -> None:
        self._zlib = zlib.decompressobj(_ANY_HEADER)
        self._field = field

    def feed(self, block: bytes) -> Iterator[bytes]:
        """At most `BLOCK` bytes at a time, however small the block that grows into them."""
        while not self._zlib.eof:
            try:
                piece = self._zlib.decompress(block, BLOCK)
            except zlib.error:
                raise failed(self._field, "the server's compressed answer is broken") from None
            block = self._zlib.unconsumed_tail
            if piece:
                yield piece
            if not block and len(piece) < BLOCK:
                return

    def finish(self) -> None:
        if not self._zlib.eof:
            raise failed(self._field, "the server's compressed answer is cut short")
