"""An engine that answers what the test wrote down, and remembers what it was asked."""

from collections.abc import Awaitable, Callable
from typing import Any

from wagateway.contract import Upload
from workers.device import Device


class Answering:
    """`answers` has by name what a call returns, or the exception that it raises; `asked` is all calls."""

    def __init__(self, **answers: object) -> None:
        self.answers = answers
        self.asked: list[tuple[object, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: object, **options: object) -> object:
            self.asked.append((name, *arguments, *options.values()))
            answer = self.answers.get(name)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def uploaded(device: Device, content: bytes) -> Upload:
    """A file as the front leaves it in the spool."""
    path = device.attachments._scratch.folder.parent / "spooled"
    path.write_bytes(content)
    return Upload(path=str(path), size=len(content), sha256="0" * 64)
