"""Logging of every process: JSON lines in one file of the storage folder, and a copy to the terminal."""

import contextlib
import io
import logging
import os
import re
import select
import socket
import stat
from collections.abc import Callable
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Protocol

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from wagateway.urls import HIDDEN

FILE = "wagateway.jsonl"

_SECRET = re.compile(
    r"(?i)passw|secret|token|authorization|cookie|credential|basic_?auth|private|qr_code|pair_?code"
    r"|^(qr|key|auth)$|_key$|apikey"
)
_CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")


def start(role: str, *, folder: Path, terminal: int, debug: bool, device: str | None = None) -> None:
    """Send all logging of this process, structlog's and the standard library's, to file and terminal.

    Lines go to `folder/wagateway.jsonl` (made 0600, reopened when rotated) and to the descriptor
    `terminal`: readable on a tty, JSON elsewhere. Neither ever raises into the caller or holds it up. May
    be called again, also in a forked child: the last call counts.
    """
    level = logging.DEBUG if debug else logging.INFO
    identity = {"role": role} if device is None else {"role": role, "device": device}
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _File | _Terminal)]:
        root.removeHandler(handler)
        handler.close()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = _File(folder / FILE, delay=True)
    file.setFormatter(_formatter(identity, _json()))
    screen = _Terminal(terminal)
    screen.setFormatter(_formatter(identity, _console() if os.isatty(terminal) else _json()))
    root.addHandler(file)
    root.addHandler(screen)
    root.setLevel(level)
    logging.getLogger("asyncio").setLevel(logging.INFO)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*_facts(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )


def rotate(folder: Path, limit_bytes: int) -> None:
    """Rename a log file larger than the limit to `….1`, over an earlier one; writers then start a new one."""
    path = folder / FILE
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > limit_bytes:
            path.replace(path.with_name(FILE + ".1"))


def _facts() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _formatter(identity: dict[str, str], ending: list[Processor]) -> structlog.stdlib.ProcessorFormatter:
    def identify(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        head = {name: event.pop(name) for name in ("timestamp", "level") if name in event}
        return {**head, **identity, **event, **identity}

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_facts(), structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _redact,
            identify,
            *ending,
        ],
    )


def _json() -> list[Processor]:
    return [
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
        structlog.processors.JSONRenderer(),
    ]


def _console() -> list[Processor]:
    return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]


def _redact(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {name: _shown(name, value) for name, value in event.items()}


def _shown(name: object, value: object, depth: int = 0) -> object:
    if isinstance(name, str) and _SECRET.search(name) and not isinstance(value, bool | None):
        return HIDDEN
    if isinstance(value, str):
        return _CREDENTIALS_IN_URL.sub(HIDDEN + "@", value)
    if depth > 4:
        return value
    if isinstance(value, dict):
        return {key: _shown(key, inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_shown("", inner, depth + 1) for inner in value]
    return value


class _File(WatchedFileHandler):
    """Appends each line in one write, so that processes sharing the file do not mix their lines."""

    def emit(self, record: logging.LogRecord) -> None:
        # Reopening fails when the folder has gone: a process must not die of its log.
        with contextlib.suppress(OSError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the name is the base's
        """A full disk loses log lines and nothing else."""

    def _open(self) -> io.TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        raw = io.FileIO(descriptor, "ab")
        return io.TextIOWrapper(raw, encoding="utf-8", write_through=True)


class _Terminal(logging.Handler):
    """Writes lines to a descriptor as far as it takes them without waiting; the file has them all."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._destination = _destination(descriptor)
        self._cut = False

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001  a bug in a processor must not end who only wanted to log
            return
        data = ("\n" * self._cut + line + "\n").encode(errors="backslashreplace")
        try:
            written = self._destination.write(data)
        except OSError:  # closed, hung up or full
            return
        if written:
            self._cut = written < len(data)

    def close(self) -> None:
        self._destination.close()
        super().close()


class _Destination(Protocol):
    """Somewhere to write without waiting; `write` returns how many bytes were taken."""

    def write(self, data: bytes) -> int: ...

    def close(self) -> None: ...


class _Descriptor:
    """A descriptor of our own with its way to write."""

    def __init__(self, descriptor: int, write: Callable[[int, bytes], int]) -> None:
        self._descriptor = descriptor
        self._write = write

    def write(self, data: bytes) -> int:
        return self._write(self._descriptor, data)

    def close(self) -> None:
        os.close(self._descriptor)


class _Stream:
    """A stream socket, as systemd gives: it cannot be reopened, but a send can decline to wait."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=os.dup(descriptor))

    def write(self, data: bytes) -> int:
        return self._socket.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def close(self) -> None:
        self._socket.close()


def _destination(descriptor: int) -> _Destination:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:  # closed before we started
        return _Descriptor(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), os.write)
    if stat.S_ISSOCK(mode):
        return _Stream(descriptor)
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        # O_NONBLOCK on the descriptor itself would also change it for the shell that shares it.
        with contextlib.suppress(OSError):
            again = f"/proc/self/fd/{descriptor}"
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            return _Descriptor(os.open(again, flags), os.write)
        return _Descriptor(os.dup(descriptor), _write_if_ready)
    return _Descriptor(os.dup(descriptor), os.write)


def _write_if_ready(descriptor: int, data: bytes) -> int:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    if not poll.poll(0):
        return 0
    return os.write(descriptor, data[: select.PIPE_BUF])  # what a ready pipe takes at once
