"""Serving the files of the media stores, and links to them."""

import asyncio
import errno
import os
import re
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from aiohttp import web

from wagateway import links
from wagateway.commands.internal import DeviceRow
from wagateway.commands.messages import DownloadedMedia, FetchMedia
from wagateway.contract import Problem
from wagateway.envelope import Envelope
from wagateway.front.answers import done
from wagateway.front.files import OpenFile, answer
from wagateway.front.origins import Origins
from wagateway.front.reach import Processes, reach
from wagateway.media_types import UNKNOWN, mime_of
from wagateway.problems import device_unavailable
from wagateway.spec import device_folder
from wagateway.wire import Reply

FOLDER = "/statics/media/"
LINK_SECONDS = 3600
_PATH = re.compile(FOLDER + r"([0-9a-f]{16})/([0-9a-f]{64})(\.[a-z0-9]{1,5})")
_ANY = ".bin"

_decoder = msgspec.json.Decoder(Envelope[DownloadedMedia])


class Named(msgspec.Struct, frozen=True):
    """What the path of a file says: whose it is, which, and as what it is served."""

    device_key: str
    media_id: str
    extension: str


class Media:
    """The files of all devices under `/statics/media/<device key>/<SHA-256 in hex><extension>`.

    Use as a context manager.
    """

    def __init__(self, storage: Path, key: bytes, origins: Origins, processes: Processes) -> None:
        self._storage = storage
        self._key = key
        self._origins = origins
        self._processes = processes
        self._disk = ThreadPoolExecutor(2, "media")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._disk.shutdown()

    def opened_by(self, path: str, query: str) -> bool:
        """Whether the query is a signature that opens this path (without the base path).

        False without one; raises 403 when it is not right.
        """
        return bool(query) and links.verified(self._key, path, query, time.time())

    async def link(self, request: web.BaseRequest, reply: Reply) -> web.Response:
        """A `DownloadedMedia` reply with its `file_url` and `expires_at`."""
        found = _decoder.decode(reply.body)
        assert found.results is not None
        path = "/" + found.results.file_path.lstrip("/")
        expires = int(time.time()) + LINK_SECONDS
        media = msgspec.structs.replace(
            found.results,
            file_url=f"{self._origins.link(request, path)}?{links.sign(self._key, path, expires)}",
            expires_at=datetime.fromtimestamp(expires, UTC).isoformat().replace("+00:00", "Z"),
        )
        return done(found.message, media)

    async def serve(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """The file of a path (without the base path), fetched from WhatsApp if need be.

        Raises 404 for what is no such path, for unknown devices and unknown files, and the worker's own
        problems.
        """
        named = _named(path)
        row = await self._device(named.device_key)
        folder = device_folder(self._storage, row.device_id) / "media"
        file = await self._open(folder / named.media_id[:2] / named.media_id)
        if file is None:
            file = await self._fetched(row, named.media_id)
        try:
            headers = {
                "Content-Type": mime_of(named.extension),
                "Content-Disposition": f'attachment; filename="{named.media_id}{named.extension}"',
                "Cache-Control": "private, max-age=31536000, immutable",
            }
            return await answer(request, file, named.media_id, headers)
        finally:
            file.close()

    async def _device(self, key: str) -> DeviceRow:
        devices = self._processes.devices
        row = devices.keyed(key)
        if row is None:
            await devices.refresh()
            row = devices.keyed(key)
        if row is None:
            raise _no_file()
        return row

    async def _fetched(self, row: DeviceRow, media_id: str) -> OpenFile:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._processes.timeout
        link = self._processes.devices.link(row.device_id)
        link = link or await reach(self._processes, row, FetchMedia.needs, end)
        if link is None:
            raise device_unavailable("The device's worker is not running")
        media = await link.ask(FetchMedia(media_id=media_id), end - loop.time())
        file = await self._open(Path(media.path))
        if file is None:  # retention was faster
            raise _no_file()
        return file

    async def _open(self, path: Path) -> OpenFile | None:
        return await asyncio.get_running_loop().run_in_executor(self._disk, _opened, path, self._disk)


def _opened(path: Path, disk: ThreadPoolExecutor) -> OpenFile | None:
    try:
        # Not to wait for whoever opens the other end, should it be a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP):
            return None
        raise
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        return None
    return OpenFile(descriptor, found.st_size, disk)


def _named(path: str) -> Named:
    found = _PATH.fullmatch(path)
    if found is None:
        raise _no_file()
    named = Named(*found.groups())
    if named.extension != _ANY and mime_of(named.extension) == UNKNOWN:
        raise _no_file()
    return named


def _no_file() -> Problem:
    return Problem(404, "NOT_FOUND", "There is no file at this path")
