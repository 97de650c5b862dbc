"""Telling systemd how we are, over the datagram socket that it names."""

import os
import socket


class Notifier:
    """Sends states to NOTIFY_SOCKET; says nothing when there is none."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)

    def tell(self, *states: str) -> None:
        """For example `READY=1`, `STATUS=3 of 4 devices logged in`, `WATCHDOG=1`, `STOPPING=1`."""
        if not (self._address and states):
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            self._socket.sendto("\n".join(states).encode(), address)
        except OSError:
            return  # systemd not listening must not hurt the service

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def watchdog_seconds() -> float:
    """How often to send WATCHDOG=1: a third of the limit; 0 when systemd does not watch."""
    limit = os.environ.get("WATCHDOG_USEC", "")
    ours = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(limit) / 3e6 if ours and limit.isdigit() else 0.0
