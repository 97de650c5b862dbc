"""A shard as years of use leave it: many chats, few of them busy, and words as frequent as in a language."""

import itertools
import random
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from wagateway.whatsapp.protos import E2E
from workers.shard import Shard
from workers.shard.messages import MessageRow, add_message

OWN = "628770000000@s.whatsapp.net"
_BATCH = 2000
_START = 1_600_000_000_000
_STEP = 1_000_000  # milliseconds from one message to the next: 200,000 of them fill six years
_SYLLABLES = [first + second for first in "bcdfghjklmnprstvwz" for second in "aeiou"]
_ACCENTED = str.maketrans("aeou", "áéöü")


class Corpus:
    """What is written and to whom, the same each time; the words are the same for any number of messages."""

    def __init__(self, messages: int) -> None:
        self._random = random.Random(1)
        self.messages = messages
        chats = max(messages // 100, 1)
        self.chats = [f"62811{number:08}@s.whatsapp.net" for number in range(chats)]
        words = ("".join(self._pick(_SYLLABLES, 1 + number % 4)) for number in range(40_000))
        self._words = list(dict.fromkeys(words))
        self._of_words = _falling(len(self._words), 0.9)
        self._of_chats = _falling(chats, 0.8)

    def chat(self) -> str:
        """A chat, a busy one more often."""
        return self._random.choices(self.chats, cum_weights=self._of_chats)[0]

    def word(self) -> str:
        """A word, a frequent one more often."""
        return self._random.choices(self._words, cum_weights=self._of_words)[0]

    def search(self) -> str:
        """What somebody might look for: a word, two, or the beginning of one."""
        word = self.word()
        kind = self._random.randrange(3)
        return word if kind == 0 else f"{word} {self.word()}" if kind == 1 else word[:3]

    def rows(self) -> Iterator[MessageRow]:
        """The messages, oldest first; a fifth has accents, one in 20 a file, one in 50 is a reaction."""
        for number in range(self.messages):
            chat = self.chat()
            own = number % 3 == 0
            row = {
                "id": f"FULL{number:012}",
                "chat": chat,
                "sender": OWN if own else chat,
                "from_me": own,
                "timestamp": _START + number * _STEP,
                "push_name": "" if own else f"Person {chat[5:13]}",
                "status": "read" if own else "",
            }
            text = " ".join(self.word() for _ in range(self._random.randint(1, 16)))
            text = text.translate(_ACCENTED) if number % 5 == 0 else text
            if number % 50 == 0:
                reaction = {"kind": "reaction", "content": "👍", "target_id": f"FULL{max(number - 1, 0):012}"}
                yield MessageRow(**row, **reaction, raw=b"")  # type: ignore[arg-type]
            elif number % 20 == 0:
                file = {
                    "kind": "document",
                    "media_type": "document",
                    "filename": f"{self.word()}-{number}.pdf",
                }
                yield MessageRow(**row, **file, content=text, raw=bytes(300))  # type: ignore[arg-type]
            else:
                raw = E2E.Message(conversation=text).SerializeToString()
                yield MessageRow(**row, kind="text", content=text, raw=raw)  # type: ignore[arg-type]

    def _pick(self, among: list[str], count: int) -> list[str]:
        return self._random.choices(among, k=count)


def fill(path: Path, corpus: Corpus) -> None:
    """Store all of the corpus in the shard at `path`, which nobody else has open."""
    shard = Shard.open(path)
    rows = corpus.rows()
    while batch := list(itertools.islice(rows, _BATCH)):
        shard.write(partial(_store, batch=batch)).result()
    shard.close()


def _store(connection: sqlite3.Connection, batch: list[MessageRow]) -> None:
    for row in batch:
        add_message(connection, row, row.push_name)


def _falling(count: int, power: float) -> list[float]:
    return list(itertools.accumulate((place + 2) ** -power for place in range(count)))
