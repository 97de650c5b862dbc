"""Histories as a phone writes them, and an importer that takes them into a shard."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workers.conftest import ALICE, NOON, Who
from wagateway.whatsapp.fields import write_fields
from wagateway.whatsapp.protos import E2E, HistorySync, Web
from workers.history import History
from workers.shard import Shard

SECOND = NOON // 1000


def new(kind: str = "RECENT") -> HistorySync.HistorySync:
    """An empty history."""
    return HistorySync.HistorySync(syncType=HistorySync.HistorySync.HistorySyncType.Value(kind))


def chat_in(history: HistorySync.HistorySync, jid: str = ALICE, **facts: object) -> HistorySync.Conversation:
    """A chat in the history."""
    return history.conversations.add(ID=jid, **({"conversationTimestamp": SECOND} | facts))


def message_in(
    chat: HistorySync.Conversation,
    message_id: str,
    text: str = "hello",
    *,
    content: E2E.Message | None = None,
    from_me: bool = False,
    at: int = SECOND,
    **facts: object,
) -> Web.WebMessageInfo:
    """A message in a chat of a history, by its other side unless `participant` says otherwise."""
    info = chat.messages.add().message
    info.key.remoteJID, info.key.fromMe, info.key.ID = chat.ID, from_me, message_id
    info.messageTimestamp = at
    info.message.CopyFrom(content or E2E.Message(conversation=text))
    for name, value in facts.items():
        setattr(info, name, value)
    return info


def event(history: HistorySync.HistorySync | bytes) -> bytes:
    """The file that neonize's event becomes; bytes are taken as they are."""
    return history if isinstance(history, bytes) else write_fields((1, history.SerializeToString()))


Take = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "history"
    made.mkdir()
    return made


@pytest.fixture
def history(shard: Shard, folder: Path) -> History:
    return History(shard, folder, Who(), lambda _: None)


@pytest.fixture
def take(history: History, folder: Path) -> Take:
    """Hands over histories to the importer."""

    def run(*syncs: HistorySync.HistorySync | bytes) -> None:
        for number, sync in enumerate(syncs):
            (folder / f"1800000000000000000-{number}.history").write_bytes(event(sync))
        history.take()

    return run
