"""Commands that make the simulated network misbehave."""

from typing import Annotated, ClassVar

from msgspec import Meta

from wagateway.commands.sandbox.parts import Device, Done, Wait
from wagateway.contract import Command, Route, Target
from wagateway.phone import Phone


class DropConnection(Command[Done], frozen=True, kw_only=True):
    """Cut the connection of the phone's linked devices without a word."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/faults/drop"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    device: Device = 0


class RefuseConnections(Command[Done], frozen=True, kw_only=True):
    """Refuse connections for so many seconds; without a phone those of everybody, at the proxy."""

    routes: ClassVar = (Route("POST", "/sandbox/faults/refuse"),)
    target: ClassVar[Target] = "sandbox"
    seconds: Annotated[float, Meta(ge=0, le=3600)]
    phone: Phone | None = None


class DelayAcks(Command[Done], frozen=True, kw_only=True):
    """Acknowledge what the phone's linked devices send so many milliseconds late; 0 ends that."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/faults/delay"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    milliseconds: Annotated[float, Meta(ge=0, le=120_000)]


class WithholdAcks(Command[Done], frozen=True, kw_only=True):
    """Deliver the next messages of the phone's linked devices but never acknowledge them."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/faults/withhold"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    count: Annotated[int, Meta(ge=0, le=100_000)] = 1


class AwaitWithheld(Command[Done], frozen=True, kw_only=True):
    """Wait until an acknowledgement is being held back or delayed; counts those held at that moment."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/faults/await"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    wait: Wait = 10.0


class RejectSends(Command[Done], frozen=True, kw_only=True):
    """Answer the next messages of the phone's linked devices with an error instead of delivering them."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/faults/reject"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    count: Annotated[int, Meta(ge=0, le=100_000)] = 1
    error: Annotated[int, Meta(ge=400, le=599)] = 463


class GarbleMessages(Command[Done], frozen=True, kw_only=True):
    """Damage the next messages on their way to the phone's linked devices.

    They cannot decrypt them and ask for them again; what is sent again arrives whole. With several linked
    devices each copy counts.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/faults/garble"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    count: Annotated[int, Meta(ge=0, le=100_000)] = 1


class ReplaceStream(Command[Done], frozen=True, kw_only=True):
    """Tell the phone's linked devices that another client took their session over."""

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/faults/replace"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    device: Device = 0


class FailLogins(Command[Done], frozen=True, kw_only=True):
    """Answer the next logins of the phone's linked devices with a failure.

    401, 403 and 406 log out, 402 is a ban with `ban_code` and `expire` seconds, 405 says that the client
    is outdated, 503 is passing. `count` 0 ends it.
    """

    routes: ClassVar = (Route("POST", "/sandbox/phones/{phone}/faults/login"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone
    reason: Annotated[int, Meta(ge=400, le=599)]
    count: Annotated[int, Meta(ge=0, le=100_000)] = 1
    ban_code: Annotated[int, Meta(ge=101, le=110)] = 101
    expire: Annotated[int, Meta(ge=0, le=10**7)] = 3600


class MediaFaults(Command[Done], frozen=True, kw_only=True):
    """Say what the media host does wrong from now on; each call replaces what the last one said.

    The next so many uploads and downloads are answered with `status`. `bytes_per_second` (0: full speed)
    and `delay` in seconds, before an answer, hold for requests that come after this.
    """

    routes: ClassVar = (Route("POST", "/sandbox/faults/media"),)
    target: ClassVar[Target] = "sandbox"
    upload_failures: Annotated[int, Meta(ge=0, le=100_000)] = 0
    download_failures: Annotated[int, Meta(ge=0, le=100_000)] = 0
    status: Annotated[int, Meta(ge=400, le=599)] = 500
    bytes_per_second: Annotated[int, Meta(ge=0, le=10**9)] = 0
    delay: Annotated[float, Meta(ge=0, le=600)] = 0.0


class ExpireMedia(Command[Done], frozen=True, kw_only=True):
    """Let the links to the files of all messages, or of one phone's, expire (410). Counts the files."""

    routes: ClassVar = (Route("POST", "/sandbox/faults/expire"),)
    target: ClassVar[Target] = "sandbox"
    phone: Phone | None = None
