"""The worker's way to converted files: jobs for processes that come and go, and die instead of the worker."""

import asyncio
import contextlib
import math
import signal
import uuid
from pathlib import Path

import msgspec
import structlog

from wagateway import problems
from wagateway.contract import Problem
from wagateway.media_types import UNKNOWN, plain
from workers.conversion.jobs import Converted, Job, Kind, Refused
from workers.conversion.process import Died, Process

_QUICK: frozenset[Kind] = frozenset({"image", "sticker", "thumbnail", "avatar"})
_CORES = 2  # what a job may use of the processor while it has time

log = structlog.get_logger()


class Limits(msgspec.Struct, frozen=True):
    """Seconds that a job may take, by kind, and that a process waits for another before it ends."""

    image: float = 30
    sticker: float = 60
    thumbnail: float = 10
    avatar: float = 30
    video: float = 300
    audio: float = 120
    voice: float = 120
    idle: float = 20


class Converter:
    """Converts files of one device into `folder`.

    There is a process for what is quick and one for audio and video, so that a picture does not wait for a
    film. Every call raises 400 `VALIDATION_ERROR` about `field` for a file that is damaged, of no use or
    beyond a limit. A call that is cancelled takes its process with it, and leaves no file.
    """

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self._folder = folder
        self._limits = limits or Limits()
        self._quick = Lane(self._limits.idle)
        self._slow = Lane(self._limits.idle)

    async def image(self, source: Path, field: str, *, compress: bool, hd: bool) -> Converted:
        """A picture as a JPEG (600 pixels wide, or fitted into 2560 with `hd`, which wins).

        With neither, a JPEG or PNG stays as it is and another becomes a PNG.
        """
        return await self._convert("image", source, field, compress=compress, hd=hd)

    async def video(self, source: Path, field: str, *, compress: bool, hd: bool) -> Converted:
        """A video as MP4 (fitted into 640 pixels, or 1280 with `hd`, which wins).

        With neither, an MP4 with H.264 and AAC stays as it is.
        """
        return await self._convert("video", source, field, compress=compress, hd=hd)

    async def audio(self, source: Path, field: str) -> Converted:
        """Audio as a file that WhatsApp plays: itself (MP3, AAC, M4A, Opus, AMR) or an M4A."""
        return await self._convert("audio", source, field)

    async def voice(self, source: Path, field: str) -> Converted:
        """Audio as a voice note (mono Opus in Ogg) with its waveform; Ogg/Opus stays as it is."""
        return await self._convert("voice", source, field)

    async def sticker(self, source: Path, field: str) -> Converted:
        """A picture or animation as a sticker; one that is a sticker already stays as it is."""
        return await self._convert("sticker", source, field)

    async def avatar(self, source: Path, field: str) -> Converted:
        """A picture as a square JPEG of at most 640 pixels and 100 KiB: what its middle shows."""
        return await self._convert("avatar", source, field)

    async def thumbnail(self, source: Path, mime_type: str) -> Converted | None:
        """The preview of a document that is a picture or PDF; None when there is none, or none to be had.

        `path` is the source; `width` and `height` are those of a picture, `pages` those of a PDF.
        """
        kind = plain(mime_type)
        if kind not in ("", UNKNOWN, "application/pdf") and not kind.startswith("image/"):
            return None
        try:
            return await self._convert("thumbnail", source, "file")
        except Problem:
            return None

    async def close(self) -> None:
        """End the processes; returns when they are gone."""
        await self._quick.close()
        await self._slow.close()

    async def _convert(
        self, kind: Kind, source: Path, field: str, *, compress: bool = False, hd: bool = False
    ) -> Converted:
        seconds: float = getattr(self._limits, kind)
        output = self._folder / uuid.uuid4().hex
        job = Job(kind, source, output, math.ceil(seconds * _CORES), compress, hd)
        outcome = await (self._quick if kind in _QUICK else self._slow).run(job, seconds)
        if isinstance(outcome, Converted) and outcome.path in (source, output):
            return outcome
        if not isinstance(outcome, Refused):  # a file took the process over
            outcome = Refused("cannot be read: it is damaged", f"path {outcome.path}")
        log.info("conversion.refused", kind=kind, field=field, why=outcome.what, error=outcome.error)
        raise problems.invalid(field, outcome.what)


class Lane:
    """One process at most and one job at a time; the process ends when it had none for `idle` seconds."""

    def __init__(self, idle: float) -> None:
        self._idle = idle
        self._turn = asyncio.Lock()
        self._process: Process | None = None
        self._dying: set[asyncio.Future[int]] = set()
        self._rest: asyncio.TimerHandle | None = None
        self._closed = False

    async def run(self, job: Job, seconds: float) -> Converted | Refused:
        """Have the job done within `seconds`, counted from its turn."""
        async with self._turn:
            if self._closed:
                raise _stopping()
            self._stay()
            process = self._process = self._living()
            try:
                async with asyncio.timeout(seconds):
                    outcome = await process.ask(job)
            except TimeoutError:
                self._kill(process, job)
                await asyncio.wait({process.ended})
                return Refused(f"takes too long to be converted: more than {seconds:g} seconds")
            except Died as death:
                self._kill(process, job)
                if self._closed:
                    raise _stopping() from None
                if death.signal == signal.SIGXCPU:
                    return Refused("takes too long to be converted")
                return Refused("cannot be converted: it is damaged or too large", str(death))
            except BaseException:  # a cancellation: nobody waits for the answer, and none may come later
                self._kill(process, job)
                raise
            if process is self._process:
                self._rest = asyncio.get_running_loop().call_later(self._idle, self._kill, process)
            return outcome

    async def close(self) -> None:
        """End the process; what it was doing is refused, and so is every job from now on."""
        self._closed = True
        self._stay()
        if self._process is not None:
            self._kill(self._process)
        if self._dying:
            await asyncio.wait(set(self._dying))

    def _living(self) -> Process:
        if self._process is not None and self._process.alive:
            return self._process
        try:
            return Process()
        except OSError as error:
            why = "This machine has no room for a process to convert the file"
            raise problems.device_unavailable(why) from error

    def _stay(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _kill(self, process: Process, job: Job | None = None) -> None:
        """End the process, and remove what it wrote for the job once it can write no more."""
        if self._process is process:
            self._process = None

        def gone(ended: asyncio.Future[int]) -> None:
            self._dying.discard(ended)
            if job is not None:
                with contextlib.suppress(FileNotFoundError):
                    job.output.unlink()

        self._dying.add(process.ended)
        if process.ended.done():
            gone(process.ended)
        else:
            process.ended.add_done_callback(gone)
            process.kill()


def _stopping() -> Problem:
    return problems.device_unavailable("The device is stopping")
