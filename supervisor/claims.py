"""What the supervisor claims before it starts anything: folders, the lock, the port, the signing keys."""

import contextlib
import fcntl
import os
import secrets
import socket
import stat
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

from wagateway import wire
from wagateway.settings import Refused, Secret, Settings

BACKLOG = 1024
_IPC_BYTES = 107
_LONGEST_NAME = "0123456789abcdef.sock"


def storage_folder(settings: Settings) -> Path:
    """The absolute path of the folder of all data, made when missing; raises `Refused`."""
    return _own(settings.storage)


def runtime_folder(settings: Settings, storage: Path) -> Path:
    """The same for the folder of the sockets."""
    folder = wire.runtime_folder(settings.runtime, storage)
    # Its default lies in a folder where everybody may write, and somebody else's link could lead anywhere.
    with contextlib.suppress(FileNotFoundError):
        if folder.lstat().st_uid != os.getuid():
            raise Refused(f"{folder} belongs to somebody else; choose another with --runtime")
    folder = _own(folder)
    if len(os.fsencode(folder / _LONGEST_NAME)) > _IPC_BYTES:
        raise Refused(f"{folder} is too long a path for sockets; choose a shorter one with --runtime")
    return folder


@contextlib.contextmanager
def alone(storage: Path) -> Iterator[None]:
    """Hold the lock of the storage folder; raises `Refused` when another supervisor does."""
    with (storage / "supervisor.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"another wagateway is running with the storage folder {storage}") from None
        yield


def listener(settings: Settings) -> socket.socket:
    """The listening socket; the supervisor's, so that a restart of the front refuses nobody."""
    where = f"{settings.host} port {settings.port}"
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        return socket.create_server((settings.host, settings.port), family=found[0][0], backlog=BACKLOG)
    except socket.gaierror as error:
        raise Refused(f"cannot listen on {where}: {error.strerror}") from None
    except OSError as error:
        raise Refused(f"cannot listen on {where}: {os.strerror(error.errno or 0)}") from None


def webhook_secret(settings: Settings) -> str:
    """The configured key that signs webhooks, or the one generated at the first start."""
    if settings.webhook_secret is not None:
        return settings.webhook_secret.value
    return _kept(settings.storage / "webhook.secret", "whsec_" + b64encode(secrets.token_bytes(32)).decode())


def link_key(settings: Settings) -> Secret:
    """The hex of the 32 bytes that sign links to files, generated at the first start."""
    return Secret(_kept(settings.storage / "link.key", secrets.token_hex(32)))


def _kept(file: Path, fresh: str) -> str:
    """The text in the file, which is made of `fresh` when it is not there."""
    if not file.exists():
        new = file.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(fresh + "\n")
            out.flush()
            os.fsync(out.fileno())
        new.rename(file)
    return file.read_text().strip()


def _own(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise Refused(f"{folder}: {error.strerror}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise Refused(f"{folder} belongs to somebody else; choose another folder")
    folder.chmod(0o700)
    return folder.resolve()
