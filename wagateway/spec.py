"""What a process is told when it starts; handed over in memory, never on a command line."""

from pathlib import Path

import msgspec

from wagateway.commands.internal import Hook
from wagateway.settings import Secret, Settings
from wagateway.wire import device_key


class SandboxNetwork(msgspec.Struct, frozen=True):
    """How to reach the simulated WhatsApp network, as its `network.json` says.

    `proxy` is its CONNECT proxy on loopback, `root_key` the hex of the public key that signs its Noise
    certificates, `ca` the path of the certificate that signs its TLS.
    """

    proxy: str
    root_key: str
    ca: str


class Death(msgspec.Struct, frozen=True):
    """How the worker before this one ended, and when (Unix seconds); `restarts` counts it too."""

    reason: str
    at: float
    restarts: int


class WorkerSpec(msgspec.Struct, frozen=True):
    """A worker's orders. `token` is random per spawn and marks its beats.

    `life` is a descriptor that reads end-of-file when the supervisor is gone. `connect` is whether to log
    in to WhatsApp at once. `death` is that of the worker before it, if that was not asked for. `proxy` is
    the URL through which all its traffic with WhatsApp goes, if any.
    """

    device_id: str
    token: str
    settings: Settings
    runtime: Path
    life: int
    log: int
    connect: bool
    hooks: list[Hook]
    death: Death | None = None
    proxy: Secret | None = None
    sandbox: SandboxNetwork | None = None


class FrontSpec(msgspec.Struct, frozen=True):
    """The front's orders. `listener` is the descriptor of the listening socket, made by the supervisor.

    `ready` is a pipe to write to once requests are served. `link_key` is the hex of the key that signs links.
    """

    settings: Settings
    runtime: Path
    life: int
    log: int
    listener: int
    ready: int
    link_key: Secret


def device_folder(storage: Path, device_id: str) -> Path:
    """Where a device keeps its session, shard and media; the name says nothing and needs no escaping."""
    return storage / "devices" / device_key(device_id)


def encode(spec: WorkerSpec | FrontSpec) -> bytes:
    """The msgpack of a spec."""
    return msgspec.msgpack.encode(spec, enc_hook=str)


def decode_worker(raw: bytes) -> WorkerSpec:
    """The reverse of `encode`."""
    return msgspec.msgpack.decode(raw, type=WorkerSpec, dec_hook=_path)


def decode_front(raw: bytes) -> FrontSpec:
    """The reverse of `encode`."""
    return msgspec.msgpack.decode(raw, type=FrontSpec, dec_hook=_path)


def _path(kind: type, raw: object) -> object:
    return kind(raw)
