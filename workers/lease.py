"""The lease: a file lock that makes a worker the only one for its device."""

import fcntl
import os
from pathlib import Path


class Held(Exception):
    """Another process runs this device."""


def take(folder: Path) -> int:
    """Take the lease of the device that lives in `folder`; raises `Held`.

    Returns the descriptor that holds it. The kernel drops the lease when the process ends, however it ends.
    """
    descriptor = os.open(folder / "device.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise Held(str(folder)) from error
    return descriptor
