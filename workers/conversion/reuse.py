"""What was converted lately: a picture that goes to many receivers is converted once."""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from weakref import WeakValueDictionary

import msgspec

from workers.conversion.jobs import Converted

Key = tuple[str, ...]
"""The SHA-256 of the source, and everything else that the outcome depends on."""

_SECONDS = 600.0
_MOST = 64  # outcomes
_LARGEST = 256 * 1024  # bytes of a converted file; whatever is larger is converted again
_MOST_BYTES = 1024 * 1024  # of all of them: they are kept in memory, so that nothing is left on disk


class _Outcome(msgspec.Struct, frozen=True):
    """`content` is None where the source stays as it is, `converted` where nothing came of it."""

    converted: Converted | None
    content: bytes | None
    until: float

    @property
    def size(self) -> int:
        return len(self.content or b"")


class Reuse:
    """Use it on the loop. The files that it makes are in `folder`, and belong to the caller."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._outcomes: OrderedDict[Key, _Outcome] = OrderedDict()
        self._bytes = 0
        self._turns: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    async def get(
        self, key: Key, source: Path, convert: Callable[[], Awaitable[Converted | None]]
    ) -> Converted | None:
        """What `convert` makes of the source, or made of the same file lately.

        Who asks for the same at the same time waits for the first; a refusal is not remembered.
        """
        turn = self._turns.get(key) or self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            known = self._find(key)
            if known is not None:
                return self._again(known, source)
            converted = await convert()
            self._keep(key, converted, source)
            return converted

    def _find(self, key: Key) -> _Outcome | None:
        known = self._outcomes.get(key)
        if known is None or known.until < self._clock():
            return None
        self._outcomes.move_to_end(key)
        return known

    def _again(self, known: _Outcome, source: Path) -> Converted | None:
        if known.converted is None:
            return None
        path = source
        if known.content is not None:
            path = self._folder / secrets.token_hex(16)
            path.write_bytes(known.content)
        return msgspec.structs.replace(known.converted, path=path)

    def _keep(self, key: Key, converted: Converted | None, source: Path) -> None:
        content = None
        if converted is not None and converted.path != source:
            if converted.size > _LARGEST:
                return
            content = converted.path.read_bytes()
        self._forget(key)
        outcome = _Outcome(converted, content, self._clock() + _SECONDS)
        self._outcomes[key] = outcome
        self._bytes += outcome.size
        while len(self._outcomes) > _MOST or self._bytes > _MOST_BYTES:
            self._forget(next(iter(self._outcomes)))

    def _forget(self, key: Key) -> None:
        old = self._outcomes.pop(key, None)
        if old is not None:
            self._bytes -= old.size
