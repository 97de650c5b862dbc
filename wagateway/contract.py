"""What a command is: a typed request to a process, with its routes, its reply and its problems."""

import math
from contextvars import ContextVar
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar, get_args, get_origin

import msgspec

R = TypeVar("R")

DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)
"""Monotonic seconds after which nobody waits any more for the command that is being handled."""

Target = Literal["device", "supervisor", "sandbox"]
"""Which process answers: the worker of the addressed device, the supervisor or the sandbox."""

Needs = Literal["login", "shard", "log", "worker", "nothing"]
"""What a device command needs: a logged-in device; its stored data only; its log, which is there even for
one that was never logged in; a running worker, which is started when there is none; or nothing (the front
answers from its device table without a worker)."""


class Problem(Exception):
    """An expected failure: HTTP status, stable code, a sentence for a person.

    `retry_after` is in seconds. `result` goes into the envelope beside the code.
    """

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: int = 0, result: object = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.result = result


class Route(msgspec.Struct, frozen=True):
    """One HTTP way to a command; `{name}` in the path fills the field of that name.

    `{device_id}` in the path of a device command selects the device instead.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str


class Upload(msgspec.Struct, frozen=True):
    """A file that a client uploaded, which the front has written to the spool folder.

    The worker takes it out of there by renaming it. `size` is in bytes, `sha256` hex; `name` and `type`
    (a MIME type) are what the client said of it, "" where it said nothing. The field that holds one says
    `Meta(extra={"most": bytes})`; only multipart/form-data can fill it.
    """

    path: str
    size: int
    sha256: str
    name: str = ""
    type: str = ""


def largest_upload(field: msgspec.structs.FieldInfo) -> int:
    """The most bytes of the file that a field takes; 0 where it takes none.

    Raises TypeError for an `Upload` that is said otherwise: else a client could write one, with any path.
    """
    for part in (field.type, *get_args(field.type)):
        if get_origin(part) is Annotated and get_args(part)[0] is Upload:
            return int(next(note.extra["most"] for note in get_args(part)[1:] if note.extra))
    if _holds_upload(field.type):
        raise TypeError(f"{field.name}: say Annotated[Upload, Meta(extra={{'most': bytes}})], and no list")
    return 0


def _holds_upload(kind: Any) -> bool:
    return kind is Upload or any(map(_holds_upload, get_args(kind)))


class Command(msgspec.Struct, Generic[R], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A typed request; `Command[Reply]` fixes what its handler returns."""

    routes: ClassVar[tuple[Route, ...]] = ()
    target: ClassVar[Target] = "device"
    needs: ClassVar[Needs] = "login"
    done: ClassVar[str] = "Success"

    def sentence(self, reply: R) -> str:
        """The envelope's sentence for this reply."""
        return self.done


def reply_type(command: type[Command[Any]]) -> Any:
    """The `Reply` of `Command[Reply]`, for decoding and for checking handlers."""
    for cls in command.__mro__:
        for base in getattr(cls, "__orig_bases__", ()):
            if get_origin(base) is Command:
                return get_args(base)[0]
    raise TypeError(f"{command.__name__} does not say what it is answered with: Command[Reply]")
