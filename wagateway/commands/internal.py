"""Commands and tables between our own processes; none has a route."""

import hashlib
from typing import ClassVar, Literal

import msgspec

from wagateway.commands.app import DeviceState
from wagateway.contract import Command, Needs, Target

WorkerState = Literal["stopped", "starting", "running", "waiting", "parked"]


class Beat(msgspec.Struct, frozen=True):
    """A worker's "still alive", pushed from its event loop each second and on every change of state.

    `token` is the random one of its spawn. `lag` is how late the loop was, in seconds. `log_depth` counts
    events in the log, `hook_lag` those that some hook has not got yet, `dead` the dead letters, `gone` the
    hooks that have ended with a 410. `disk` is the size of the shard in bytes; `storage` is `full` or
    `failed` while nothing can be written to it.
    """

    device_id: str
    token: str
    state: DeviceState
    jid: str = ""
    display_name: str = ""
    reason: str = ""
    lag: float = 0.0
    log_depth: int = 0
    hook_lag: int = 0
    dead: int = 0
    gone: int = 0
    disk: int = 0
    storage: str = ""


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as a worker gets it (see `commands.webhooks.Webhook`); `secret` is what signs, never "".

    `events` are as somebody wrote them; none means all. `insecure` accepts any TLS certificate, `give_up` is
    in seconds. `own_secret` is whether the secret is the webhook's and not the gateway's.
    """

    id: str
    url: str
    secret: str
    own: bool = False
    fixed: bool = False
    own_secret: bool = False
    events: list[str] = []
    ignore_jids: list[str] = []
    headers: dict[str, str] = {}
    insecure: bool = False
    concurrency: int = 4
    give_up: int = 4 * 86400

    def __repr__(self) -> str:
        return f"Hook({self.id})"


def id_of_url(url: str) -> str:
    """The id of a webhook that is known by its URL only: one of the settings."""
    return "url-" + hashlib.sha256(url.encode()).hexdigest()[:16]


class DeviceRow(msgspec.Struct, frozen=True):
    """What the supervisor knows of a device; times are Unix seconds, `pid` is 0 without a worker.

    `paired` is true while a session exists that can be reconnected without a phone.
    """

    device_id: str
    state: DeviceState
    worker: WorkerState
    created_at: float
    paired: bool = False
    jid: str = ""
    display_name: str = ""
    reason: str = ""
    pid: int = 0
    started_at: float = 0.0
    restarts: int = 0
    last_exit: str = ""
    log_depth: int = 0
    hook_lag: int = 0
    dead: int = 0
    gone: int = 0
    disk: int = 0
    storage: str = ""


class DeviceTable(msgspec.Struct, frozen=True):
    """The device table, published on the supervisor's feed whenever it changes.

    `version` grows with every table made: it tells which of two is the newer.
    """

    rows: list[DeviceRow]
    version: int = 0


class GetDeviceTable(Command[DeviceTable], frozen=True, kw_only=True):
    """The table as of now, for a front that has just started."""

    target: ClassVar[Target] = "supervisor"


class StartWorker(Command[DeviceRow], frozen=True, kw_only=True):
    """Have a running worker for the device, started if need be; answered when it answers commands.

    Who only reads does not want one that `dials` WhatsApp: the device may be parked for a reason.
    """

    target: ClassVar[Target] = "supervisor"
    device_id: str
    dials: bool = True


class ProcessRow(msgspec.Struct, frozen=True):
    """One process for `wagatewayctl status`; memory is proportional (PSS) bytes."""

    role: str
    pid: int
    started_at: float
    restarts: int
    last_exit: str
    memory: int
    device: DeviceRow | None = None


class Overview(msgspec.Struct, frozen=True):
    """The whole service at one moment; `well` is false when something needs a person."""

    version: str
    started_at: float
    sandbox: bool
    well: bool
    processes: list[ProcessRow]
    devices: list[ProcessRow]


class GetOverview(Command[Overview], frozen=True, kw_only=True):
    """Everything that `wagatewayctl status` shows."""

    target: ClassVar[Target] = "supervisor"


class RestartWorker(Command[DeviceRow], frozen=True, kw_only=True):
    """Stop the worker of a device cleanly and start a new one; also takes it out of parking."""

    target: ClassVar[Target] = "supervisor"
    device_id: str


class Unlinked(msgspec.Struct, frozen=True):
    """Whether WhatsApp was told that this device is no longer linked."""

    unlinked: bool


class Unlink(Command[Unlinked], frozen=True, kw_only=True):
    """Log this device out of WhatsApp; the worker stays up to be stopped."""

    needs: ClassVar[Needs] = "worker"


class ConfigureHooks(Command[None], frozen=True, kw_only=True):
    """From now on the events go there; from the supervisor to a running worker."""

    needs: ClassVar[Needs] = "worker"
    hooks: list[Hook]
