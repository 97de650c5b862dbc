"""Files as WhatsApp keeps them, and a download that does what the test says."""

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from tests.workers.conftest import ALICE, Who
from wagateway.settings import Settings
from wagateway.whatsapp.media import EncryptedMedia, encrypt_media
from workers.content import MediaPart
from workers.delivery import Pace
from workers.media import Media, Way
from workers.media.download import Failed
from workers.shard import Shard, media
from workers.shard.media import MediaRow

FAST = Pace(first=0.001, longest=0.002, timeout=0.3)

_ids = itertools.count(1)


class Script:
    """Stands for the source: writes `files` or raises what `failures` holds next; `gate` holds it up."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.failures: list[Exception] = []
        self.asked: list[str] = []
        self.gate: asyncio.Event | None = None
        self.busy: set[str] = set()
        self.reached = asyncio.Event()
        self.alive: bool | Failed = True

    async def download(self, row: MediaRow, path: Path, most: int) -> None:
        self.asked.append(row.id)
        self.busy.add(row.id)
        self.reached.set()
        try:
            if self.gate is not None:
                await self.gate.wait()
            if self.failures:
                raise self.failures.pop(0)
            path.write_bytes(self.files[row.id])
        finally:
            self.busy.discard(row.id)

    async def has(self, row: MediaRow) -> bool:
        if isinstance(self.alive, Failed):
            raise self.alive
        return self.alive

    async def close(self) -> None:
        """Nothing is open."""


class Running:
    """A `Media` at work, over the script."""

    def __init__(self, media_: Media, script: Script, shard: Shard) -> None:
        self.media = media_
        self.script = script
        self._shard = shard

    def tell(self, data: bytes, **changes: object) -> str:
        """A message told of this file; its id."""
        part = part_of(data, **changes)
        self.script.files[part.id] = data
        told = f"IN{next(_ids)}"
        self._shard.write(lambda c: media.register(c, part, told, ALICE, wanted=True)).result()
        self.media.wake()
        return part.id


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def make(tmp_path: Path, shard: Shard, script: Script) -> AsyncIterator[Callable[..., Running]]:
    """Starts a `Media` with these settings; all are stopped at the end."""
    begun: list[tuple[Media, asyncio.Task[None]]] = []

    def start(*, run: bool = True, **settings: object) -> Running:
        made = Media(shard, tmp_path, Way(None), Settings(**settings), Who(), FAST)  # type: ignore[arg-type]
        made._source = script  # type: ignore[assignment]
        if run:
            begun.append((made, asyncio.ensure_future(made.run())))
        return Running(made, script, shard)

    yield start
    for made, task in begun:
        task.cancel()
        await asyncio.wait([task])
        await made.close()


def part_of(data: bytes, **changes: object) -> MediaPart:
    """What a message says of this file."""
    fields: dict[str, object] = {
        "id": hashlib.sha256(data).hexdigest(),
        "kind": "image",
        "encrypted_as": "image",
        "mime_type": "image/jpeg",
        "size": len(data),
        "media_key": b"k" * 32,
        "enc_sha256": b"e" * 32,
        "direct_path": "/v/file?ccb=1",
    }
    return MediaPart(**fields | changes)  # type: ignore[arg-type]


def encrypted(data: bytes, **changes: object) -> tuple[MediaRow, EncryptedMedia]:
    """A file with the row that tells of it."""
    made = encrypt_media(data, "Image")
    row = MediaRow(
        id=made.file_sha256.hex(),
        state="wanted",
        encrypted_as="image",
        mime_type="image/jpeg",
        size=len(data),
        media_key=made.media_key,
        enc_sha256=made.file_enc_sha256,
        direct_path="/v/file?ccb=1",
        message_id="IN1",
        chat=ALICE,
        attempts=0,
        reason="",
        used_at=0,
    )
    return msgspec.structs.replace(row, **changes), made
