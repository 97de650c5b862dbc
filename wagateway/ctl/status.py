"""`wagatewayctl status`: the whole service at one moment."""

import argparse

from wagateway.commands.internal import DeviceRow, GetOverview, Overview, ProcessRow
from wagateway.ctl import show
from wagateway.ctl.asking import Place, ask_supervisor
from wagateway.ctl.nouns import Nouns

NEEDS_A_PERSON = 1

_HARMLESS = ("idle", "qr_timeout", "logged_out")  # they wait for a login, and nothing is broken
_FIGURES = frozenset({"PID", "UP", "RESTARTS", "MEMORY", "LOG", "LAG", "DEAD", "DISK"})
_PROCESS = ("PROCESS", "PID", "UP", "RESTARTS", "MEMORY", "LAST EXIT")
_DEVICE = (
    "DEVICE",
    "STATE",
    "ACCOUNT",
    "PID",
    "UP",
    "RESTARTS",
    "MEMORY",
    "LOG",
    "LAG",
    "DEAD",
    "DISK",
    "REASON",
)


def add(nouns: Nouns) -> None:
    """Register the verb."""
    nouns.add("status", status, "all processes and devices; exit code 0: well, 1: needs you, 3: not running")


def status(place: Place, arguments: argparse.Namespace) -> int:
    """Print it; the exit code says whether all is well."""
    overview = ask_supervisor(place, GetOverview())
    if arguments.json:
        show.as_json(overview)
    else:
        _print(overview)
    return 0 if overview.well else NEEDS_A_PERSON


def _print(overview: Overview) -> None:
    network = "sandbox" if overview.sandbox else "WhatsApp"
    show.line(f"wagateway {overview.version}, up {show.age(overview.started_at)}, network: {network}")
    show.line()
    show.columns(_PROCESS, [_process(row) for row in overview.processes], right=_FIGURES)
    show.line()
    if overview.devices:
        rows = [_device(row, row.device) for row in overview.devices if row.device is not None]
        show.columns(_DEVICE, rows, right=_FIGURES)
    else:
        show.line("No devices yet: wagatewayctl devices create ID")
    show.line()
    devices = [row.device for row in overview.devices if row.device is not None]
    _note("Dead letters", {device.device_id: device.dead for device in devices})
    _note("Webhooks that answered 410", {device.device_id: device.gone for device in devices})
    show.line("All is well." if overview.well else f"Something needs you: {_trouble(overview)}")


def _note(what: str, numbers: dict[str, int]) -> None:
    """A line on a failure of somebody else: it is worth a look, and no reason for another exit code."""
    if found := [f"{device_id} {number}" for device_id, number in numbers.items() if number]:
        show.line(show.plain(f"{what}: {', '.join(found)} (wagatewayctl webhooks list DEVICE)"))


def _process(row: ProcessRow) -> tuple[str, ...]:
    up = show.age(row.started_at) if row.pid else "down"
    pid = str(row.pid or "")
    return (row.role, pid, up, str(row.restarts), show.size(row.memory), row.last_exit)


def _device(row: ProcessRow, device: DeviceRow) -> tuple[str, ...]:
    return (
        device.device_id,
        device.state if device.worker in ("running", "stopped") else f"{device.state}, {device.worker}",
        device.jid.partition("@")[0].partition(":")[0],
        str(device.pid or ""),
        show.age(device.started_at) if device.pid else "",
        str(device.restarts),
        show.size(row.memory),
        str(device.log_depth),
        str(device.hook_lag),
        str(device.dead),
        show.size(device.disk),
        _reason(device),
    )


def _reason(device: DeviceRow) -> str:
    storage = f"storage_{device.storage}" if device.storage else ""
    return ", ".join(filter(None, (storage, device.reason or device.last_exit)))


def _trouble(overview: Overview) -> str:
    devices = [row.device for row in overview.devices if row.device is not None]
    troubled = [
        f"device {device.device_id} ({_reason(device) or device.worker})"
        for device in devices
        if device.storage
        or (device.jid and not device.paired)
        or (device.worker in ("parked", "waiting") and device.last_exit not in _HARMLESS)
    ]
    troubled += [f"the {row.role} is down" for row in overview.processes if not row.pid]
    return show.plain(", ".join(troubled)) or "see the log: wagatewayctl logs"
