"""One download from WhatsApp: streamed to disk, decrypted and checked on the way, in bounded memory."""

import base64
import errno
import hashlib
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeVar

import aiohttp
from yarl import URL

from wagateway.whatsapp.errors import ProtocolError
from workers.engine import MediaKind
from workers.media.store import in_thread
from workers.media.way import Way
from workers.shard.media import MediaRow

if TYPE_CHECKING:
    from wagateway.whatsapp import media as cipher

_HOST = "https://mmg.whatsapp.net"
_PATH = re.compile(r"/[!-~]{0,4095}")
_BLOCK = 65_536  # bytes that wait in memory before the sender must wait
_LONGEST = 3600.0  # seconds
_LEAST = 60.0
_SLOWEST = 8000.0  # bytes a second, of what the sender says the file has
_OVERHEAD = 26  # bytes that encryption adds at most: padding and MAC
_RESERVE = 64 * 1024 * 1024  # bytes of disk that are left to the shard and the session
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_GONE = frozenset({403, 404, 410})
_BUSY = frozenset({408, 425, 429})

# What WhatsApp calls the use of a key, and the same in a link.
_USES: dict[MediaKind, tuple["cipher.MediaKind", str]] = {
    "image": ("Image", "image"),
    "video": ("Video", "video"),
    "audio": ("Audio", "audio"),
    "document": ("Document", "document"),
    "thumbnail": ("Link Thumbnail", "thumbnail-link"),
}

Fate = Literal["later", "disk", "full", "failed", "expired"]
"""What becomes of a download that failed: it may work later; it may once the disk works, or has space
again; it never will; or WhatsApp no longer has the file."""


T = TypeVar("T")


class Failed(Exception):
    """A download that failed; `why` is a clause for a person, `after` the seconds WhatsApp asked to wait."""

    def __init__(self, why: str, fate: Fate, after: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.fate = fate
        self.after = after


class Source:
    """WhatsApp's media host, at the end of the way.

    `timeout` is in seconds: how long a silent server is listened to.
    """

    def __init__(self, way: Way, executor: Executor, timeout: float) -> None:
        self._way = way
        self._executor = executor
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def download(self, row: MediaRow, path: Path, most: int) -> None:
        """Make the file at `path`, at most `most` bytes long, checked and on disk; raises `Failed`.

        A file that failed may be left there.
        """
        async with self._asked(row) as response:
            size = response.content_length or 0
            if size > most + _OVERHEAD:
                raise _too_large(most)
            sink = await self._thread(partial(Sink, row, path, most, size))
            try:
                async for block in response.content.iter_any():
                    await self._thread(partial(sink.take, block))
                await self._thread(sink.finish)
            finally:
                await self._thread(sink.close)

    async def has(self, row: MediaRow) -> bool:
        """Whether the link leads to a file; raises `Failed` where nobody knows."""
        try:
            async with self._asked(row) as response:
                response.close()  # the answer's beginning says it all
        except Failed as failure:
            if failure.fate in ("expired", "failed"):
                return False
            raise
        return True

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def _asked(self, row: MediaRow) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._opened().get(
                _link(row), proxy=self._way.asked, allow_redirects=False, timeout=self._patience(row)
            ) as response:
                _check(response)
                yield response
        except TimeoutError as error:
            raise Failed("WhatsApp did not answer in time", "later") from error
        except self._way.failures as error:
            raise Failed(f"the connection to WhatsApp failed ({type(error).__name__})", "later") from error

    def _patience(self, row: MediaRow) -> aiohttp.ClientTimeout:
        """What trickles must not hold up other files for as long as it likes."""
        total = min(_LEAST + row.size / _SLOWEST, _LONGEST)
        return aiohttp.ClientTimeout(total=total, sock_connect=self._timeout, sock_read=self._timeout)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = self._way.session(_BLOCK)
        return self._session

    async def _thread(self, function: Callable[[], T]) -> T:
        return await in_thread(self._executor, function)


class Sink:
    """A file being written: use it in one thread at a time. What it raises is `Failed`."""

    def __init__(self, row: MediaRow, path: Path, most: int, size: int) -> None:
        self._row = row
        self._most = most
        self._size = 0
        self._came = hashlib.sha256()
        self._made = hashlib.sha256()
        self._decryptor = _decryptor(row)
        try:
            self._file = _create(path, size)
        except OSError as error:
            raise disk(error) from error

    def take(self, block: bytes) -> None:
        """The next bytes as they came."""
        self._came.update(block)
        self._put(self._decryptor.update(block) if self._decryptor else block)

    def finish(self) -> None:
        """Everything came: check it and have it on disk."""
        if self._decryptor is not None:
            if self._came.digest() != self._row.enc_sha256:
                raise Failed(
                    "what WhatsApp sent is not the encrypted file that the message told of", "failed"
                )
            try:
                self._put(self._decryptor.finish())
            except ProtocolError as error:
                raise Failed("the file cannot be decrypted with the message's key", "failed") from error
        if self._made.hexdigest() != self._row.id:
            raise Failed("the file is not the one that the message told of", "failed")
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise disk(error) from error

    def close(self) -> None:
        """Let go of the file; what is not on disk by now is not needed."""
        with suppress(OSError):
            self._file.close()

    def _put(self, plaintext: bytes) -> None:
        self._size += len(plaintext)
        if self._size > self._most:
            raise _too_large(self._most)
        self._made.update(plaintext)
        try:
            self._file.write(plaintext)
        except OSError as error:
            raise disk(error) from error


def _create(path: Path, size: int) -> BinaryIO:
    if shutil.disk_usage(path.parent).free < size + _RESERVE:
        raise OSError(errno.ENOSPC, "the rest of the disk is for messages")
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def _link(row: MediaRow) -> URL:
    """Where the file is; its path is the sender's word, and only ever leads to WhatsApp's host."""
    path = row.direct_path
    if not _PATH.fullmatch(path) or "#" in path:
        raise Failed("the message holds no usable link to the file", "failed")
    _, use = _USES[row.encrypted_as]
    query = f"mms-type={use}&__wa-mms="
    if row.enc_sha256:
        query = f"hash={base64.urlsafe_b64encode(row.enc_sha256).decode()}&{query}"
    return URL(f"{_HOST}{path}{'&' if '?' in path else '?'}{query}", encoded=True)


def _check(response: aiohttp.ClientResponse) -> None:
    status = response.status
    if status in _GONE:
        raise Failed(
            f"WhatsApp no longer has the file (HTTP {status}), and this version cannot ask the sender's "
            "phone to upload it again",
            "expired",
        )
    if status in _BUSY or status >= 500:
        asked = response.headers.get("Retry-After", "")
        after = float(asked) if asked.isascii() and asked.isdigit() else 0.0
        raise Failed(f"WhatsApp answered HTTP {status}", "later", after)
    if status != 200:
        raise Failed(f"WhatsApp answered HTTP {status}", "failed")


def _decryptor(row: MediaRow) -> "cipher.MediaDecryptor | None":
    """None for a file that is not encrypted, such as those of newsletters."""
    if not row.media_key or not row.enc_sha256:
        return None
    # Only now: it costs 8 MB of addresses and 2 MB of memory, and many devices never get a file.
    from wagateway.whatsapp.media import MediaDecryptor

    use, _ = _USES[row.encrypted_as]
    return MediaDecryptor(row.media_key, use)


def _too_large(most: int) -> Failed:
    return Failed(f"the file is larger than {most // 1_000_000} MB", "failed")


def disk(error: OSError) -> Failed:
    """A fault of the disk as the end of a download."""
    if error.errno in _FULL:
        return Failed("the disk is full", "full")
    return Failed(f"the disk failed ({errno.errorcode.get(error.errno or 0, 'unknown')})", "disk")
