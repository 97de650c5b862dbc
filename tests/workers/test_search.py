"""Search finds what a reader would say is there, and totals are true, whatever becomes of the messages."""

import itertools
import re
import sqlite3
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workers.conftest import ALICE, ALICE_LID, BOB, GROUP, NOON, OWN, incoming, rows
from tests.workers.test_content import FILE
from wagateway.commands.chats import ListChats, ListMessages, MessageList, SearchMessages
from wagateway.contract import Problem
from wagateway.database import open_database
from wagateway.whatsapp.protos import E2E
from workers.device import Device
from workers.handlers.chats import list_chats, list_messages, search_messages
from workers.inbound import Inbound
from workers.shard import Shard, pages, paging, schema, search
from workers.shard.messages import MessageRow, add_message, learn_lid
from workers.shard.search import Sort


def texts(page: MessageList) -> list[str]:
    return [message.content for message in page.data]


async def found(device: Device, text: str) -> list[str]:
    return texts(await search_messages(device, SearchMessages(search=text, sort="time")))


@pytest.mark.parametrize(
    ("text", "searches"),
    [
        ("Der Bäcker backt Brot.", ["bäcker", "BACKER", "brot", "bac br", "Brot!", "(der) 'backt'"]),
        ("STRASSE 12-a", ["straße", "12", "a str", "12-A"]),
        ("Straße", ["strasse", "STRA"]),
        ("İstanbul'da çay", ["istanbul", "cay", "da"]),
        ("Привет, Мёд", ["привет", "МЕД"]),
        ("東京都に行きました", ["京都", "東京", "に行", "行き 東京"]),
        ("ガンダム", ["ガン"]),
        ("สวัสดีครับ", ["ครับ", "สวัส"]),
        ("안녕하세요 여러분", ["안녕", "여러"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनि"]),
        ("مُحَمَّد", ["محمد"]),
        ("well done 👍🏽🎉", ["👍", "done 🎉", "👍🏿"]),
        ("don\u200dt\u00adworry \uff46\uff55\uff4c\uff4c", ["dontworry", "full"]),
        (
            'say "NEAR(a b)" OR words:x* -not ^up {col}',
            ['"near(a b)"', "OR", "words:x*", "-not", "^up {col}"],
        ),
        ("null\x00byte", ["null", "byte"]),
    ],
)
async def test_a_message_is_found_by_the_beginnings_of_its_words(
    device: Device, inbox: Inbound, text: str, searches: list[str]
) -> None:
    inbox.message(incoming("something else"))
    inbox.message(incoming(text))
    assert {search: [text] for search in searches} == {one: await found(device, one) for one in searches}


@pytest.mark.parametrize(
    "text", ["äcker", "京東", "brot der x", "*", '"', "b OR x", "keys:own", "own", "file"]
)
async def test_what_is_not_there_is_not_found(device: Device, inbox: Inbound, text: str) -> None:
    inbox.message(incoming("Der Bäcker backt Brot."))
    inbox.message(incoming("東京", is_from_me=True, sender=OWN))
    assert [] == await found(device, text)


async def test_a_file_is_found_by_its_name_and_by_its_caption(device: Device, inbox: Inbound) -> None:
    name = "Übersicht-2027.pdf"
    document = E2E.DocumentMessage(fileName=name, caption="the plan", **FILE)
    inbox.message(incoming(content=E2E.Message(documentMessage=document), id="D1"))
    for text in ("ubersicht", "2027 plan", "pdf", "the"):
        assert ["D1"] == [m.id for m in (await search_messages(device, SearchMessages(search=text))).data]


async def test_the_best_match_comes_first_and_with_equal_ones_the_newer(
    device: Device, inbox: Inbound
) -> None:
    long = "a long tale that only mentions cake once"
    for at, text in enumerate(("cake", "cake", long, "tea")):
        inbox.message(incoming(text, id=f"M{at}", timestamp=NOON + at * 1000))
    best = await search_messages(device, SearchMessages(search="cake"))
    newest = await search_messages(device, SearchMessages(search="cake", sort="time"))
    assert ["M1", "M0", "M2"] == [message.id for message in best.data]
    assert ["M2", "M1", "M0"] == [message.id for message in newest.data]


async def test_a_frequent_word_does_not_count_for_the_rank(
    device: Device, inbox: Inbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "RANKED", 2)
    for at, text in enumerate(("the the cake", "the cake and more", "the tea", "the milk")):
        inbox.message(incoming(text, timestamp=NOON + at * 1000))
    ranked = await search_messages(device, SearchMessages(search="the cake"))
    assert ["the the cake", "the cake and more"] == texts(ranked)
    frequent = await search_messages(device, SearchMessages(search="the"))
    assert ["the milk", "the tea", "the cake and more", "the the cake"] == texts(frequent)


async def test_w38_a_search_of_all_chats_combines_with_all_filters(device: Device, inbox: Inbound) -> None:
    image = E2E.Message(imageMessage=E2E.ImageMessage(mimetype="image/jpeg", caption="sale now"))
    inbox.message(incoming("sale", timestamp=NOON))
    inbox.message(incoming("sale", chat=BOB, sender=BOB, timestamp=NOON + 1400))
    inbox.message(incoming("sale", is_from_me=True, sender=OWN, timestamp=NOON + 1600))
    inbox.message(incoming(content=image, timestamp=NOON + 3000))

    async def times(**filters: object) -> list[int]:
        page = await search_messages(device, SearchMessages(search="sale", **filters))  # type: ignore[arg-type]
        assert page.pagination.total == len(page.data)
        moments = (datetime.fromisoformat(message.timestamp) for message in page.data)
        return sorted(int(moment.timestamp()) - NOON // 1000 for moment in moments)

    at = partial(datetime.fromtimestamp, tz=UTC)
    assert [0, 1, 1, 3] == await times()
    assert [0, 1, 3] == await times(chat_jid=ALICE)
    assert [1] == await times(is_from_me=True)
    assert [0, 1, 3] == await times(is_from_me=False)
    assert [3] == await times(media_only=True)
    assert [1, 3] == await times(start_time=at(NOON / 1000 + 1.5))
    assert [0, 1] == await times(end_time=at(NOON / 1000 + 1.5))
    assert [1] == await times(start_time=at(NOON / 1000 + 1.4), end_time=at(NOON / 1000 + 1.5))
    assert [] == await times(media_only=True, is_from_me=True)


async def test_a_search_without_a_word_looks_for_the_characters_in_one_chat(
    device: Device, inbox: Inbound
) -> None:
    for text in ("100% sure", "100 sure", "under_score", "back\\slash"):
        inbox.message(incoming(text))
    for characters, text in (("%", "100% sure"), ("_", "under_score"), ("\\", "back\\slash")):
        assert [text] == texts(await list_messages(device, ListMessages(chat_jid=ALICE, search=characters)))
        assert [] == await found(device, characters)


async def test_pages_of_a_search_neither_skip_nor_repeat_while_messages_arrive(
    device: Device, inbox: Inbound
) -> None:
    for number in range(11):
        inbox.message(incoming(f"x {number}", timestamp=NOON + number // 3 * 1000))
    seen: list[str] = []
    cursor = ""
    while not seen or cursor:
        command = ListMessages(chat_jid=ALICE, limit=3, cursor=cursor, search="x")
        page = await list_messages(device, command)
        seen += texts(page)
        inbox.message(incoming("x new", timestamp=NOON + 60_000))
        cursor = page.pagination.next_cursor
    assert [f"x {number}" for number in reversed(range(11))] == seen


async def test_a_cursor_does_not_go_with_a_ranked_search(device: Device) -> None:
    with pytest.raises(Problem, match="offset"):
        await list_messages(device, ListMessages(chat_jid=ALICE, search="x", cursor="kgEB", sort="rank"))


async def test_what_is_about_a_message_is_not_found_beside_it(device: Device, inbox: Inbound) -> None:
    inbox.message(incoming("helo", id="A1", timestamp=NOON))
    inbox.message(incoming("hellö", id="A1", timestamp=NOON + 1000, edit=True))
    assert [[], ["hellö"]] == [await found(device, "helo"), await found(device, "hello")]


async def test_a_total_of_filters_stops_and_says_so(
    device: Device, inbox: Inbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MANY", 2)
    monkeypatch.setattr(search, "RANKED", 2)
    for _ in range(3):
        inbox.message(incoming("x"))
    start = datetime.fromtimestamp(0, tz=UTC)
    for command in (ListMessages(chat_jid=ALICE, search="x"), ListMessages(chat_jid=ALICE, start_time=start)):
        page = (await list_messages(device, command)).pagination
        assert (2, False) == (page.total, page.total_is_exact)
    whole = (await list_messages(device, ListMessages(chat_jid=ALICE))).pagination
    assert (3, True) == (whole.total, whole.total_is_exact)


def test_a_shard_of_before_is_searchable_and_counted_once_opened(tmp_path: Path) -> None:
    path = tmp_path / "shard.db"
    old = sqlite3.connect(path, isolation_level=None)
    migrations = schema.SCHEMA
    from sqlite_utils import Database

    migrations.apply(Database(old), stop_before="0004_search")
    for number, text in enumerate(("Grüße", "plain", "👍")):
        target = "M0" if number == 2 else ""
        old.execute(
            "INSERT INTO messages (id, chat, sender, from_me, timestamp, kind, content, raw, created_at, "
            "updated_at, target_id) VALUES (?, ?, ?, 0, ?, 'text', ?, x'', 0, 0, ?)",
            (f"M{number}", ALICE, ALICE, NOON + number, text, target),
        )
    old.execute("INSERT INTO chats (jid, name, created_at, updated_at) VALUES (?, 'A', 0, 0)", (ALICE,))
    old.close()
    shard = Shard.open(path)
    for text, total in (("grusse", 1), ("plain", 1), ("👍", 0), ("", 3)):
        query = query_of(ALICE, text)
        assert total == shard.write(partial(pages.find_messages, query=query)).result().total
    assert [(0, 1)] == rows(shard, "SELECT archived, chats FROM chat_totals")
    shard.close()


# ---- the same as a model in a few lines says ----

Row = tuple[str, str, str, str, int, bool, bool]  # id, chat, text, filename, second, from_me, about another
LID, PHONE = ALICE_LID, ALICE
WORDS = [
    "Cafe",
    "café",
    "CAFÉ!",
    "ca",
    "日本",
    "本日本",
    "straße",
    "stra",
    "x_y",
    "x",
    "👍",
    "-",
    "\uff46ile",
]
words = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
moments = st.integers(0, 4)
kinds = st.sampled_from(["", "", "", "reaction"])
steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("add"),
            st.sampled_from([LID, PHONE, BOB, GROUP]),
            words,
            st.sampled_from(["", "", "café.pdf"]),
            moments,
            st.booleans(),
            kinds,
        ),
        st.tuples(st.just("edit"), st.integers(0, 9), words),
        st.tuples(st.just("delete"), st.integers(0, 9)),
        st.tuples(st.just("move")),
    ),
    max_size=25,
)


def query_of(
    chat: str | None, search: str = "", sort: Sort = "time", **filters: object
) -> pages.MessageQuery:
    fields = {"start": None, "end": None, "media_only": False, "is_from_me": None, "cursor": None}
    named = {"chat": chat, "limit": 50, "offset": 0, "search": search, "sort": sort, **fields, **filters}
    return pages.MessageQuery(**named)  # type: ignore[arg-type]


class Model:
    """The messages as a plain list, and a search that compares every word of each."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def matches(self, text: str, chosen: Callable[[Row], bool]) -> list[str]:
        wanted = re.findall(r"[日本👍]+|[a-z]+", self.fold(text))
        fit = (
            row for row in self.rows if not row[6] and chosen(row) and self.has(f"{row[2]} {row[3]}", wanted)
        )
        return sorted(row[0] for row in fit)

    def has(self, text: str, wanted: list[str]) -> bool:
        inside = re.findall(r"[日本👍]+|[a-z]+", self.fold(text))
        return all(any(one.startswith(w) or (not w.isascii() and w in one) for one in inside) for w in wanted)

    @staticmethod
    def fold(text: str) -> str:
        flat = unicodedata.normalize("NFKD", text).casefold()
        return "".join(letter for letter in flat if not unicodedata.combining(letter))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    return open_database(tmp_path_factory.mktemp("model") / "shard.db", schema.SCHEMA)


def store(connection: sqlite3.Connection, made: str, chat: str, **fields: object) -> bool:
    row = {"id": made, "chat": chat, "sender": chat, "from_me": False, "kind": "text", "raw": b"", **fields}
    return add_message(connection, MessageRow(**row))  # type: ignore[arg-type]


def act(connection: sqlite3.Connection, model: Model, number: int, step: tuple[object, ...]) -> None:
    match step:
        case ("add", str(chat), str(text), str(filename), int(second), bool(own), str(kind)):
            about = {"kind": kind, "target_id": "M0"} if kind else {}
            media = "document" if filename else ""
            fields = {"content": text, "filename": filename, "timestamp": second * 1000, "from_me": own}
            known = connection.execute("SELECT phone FROM lids WHERE lid = ?", (chat,)).fetchone()
            chat = known[0] if known else chat
            if store(connection, f"M{number}", chat, **fields, media_type=media, **about):
                model.rows.append((f"M{number}", chat, text, filename, second, own, bool(kind)))
        case ("edit", int(at), str(text)) if text and (originals := [r for r in model.rows if not r[6]]):
            target, chat, *_ = originals[at % len(originals)]
            fields = {"content": text, "timestamp": 10_000 + number, "from_me": False}
            store(connection, f"E{number}", chat, **fields, kind="edit", target_id=target)
            model.rows = [
                (*row[:2], text, *row[3:]) if (*row[:2], row[6]) == (target, chat, False) else row
                for row in model.rows
            ]
            model.rows.append((f"E{number}", chat, text, "", 10, False, True))
        case ("delete", int(at)) if model.rows:
            gone = model.rows[at % len(model.rows)][0]
            connection.execute("DELETE FROM messages WHERE id = ?", (gone,))
            model.rows = [row for row in model.rows if row[0] != gone]
        case ("move",):
            learn_lid(connection, LID, PHONE)
            model.rows = [(row[0], PHONE, *row[2:]) if row[1] == LID else row for row in model.rows]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps | steps.map(lambda history: [*history, ("move",)]),
    words.filter(lambda text: re.search(r"\w|👍", text.replace("_", " ")) is not None),
    st.sampled_from([None, PHONE, BOB]),
    st.none() | moments,
    st.none() | st.booleans(),
    st.booleans(),
)
def test_any_history_is_searched_and_counted_as_the_model_says(
    empty: sqlite3.Connection,
    history: list[tuple[object, ...]],
    text: str,
    chat: str | None,
    start: int | None,
    own: bool | None,
    media: bool,
) -> None:
    connection, model = sqlite3.connect(":memory:", isolation_level=None), Model()
    empty.backup(connection)
    for number, step in enumerate(history):
        act(connection, model, number, step)

    def chosen(row: Row) -> bool:
        of_chat = chat is None or row[1] == chat
        return of_chat and (own is None or row[5] == own) and row[4] >= (start or 0) and bool(row[3]) >= media

    first = None if start is None else start * 1000
    sorts: list[Sort] = ["time", "rank"]
    for asked, sort in itertools.product((text, "cafe", "日", "stra", "👍"), sorts):
        query = query_of(chat, asked, sort, start=first, is_from_me=own, media_only=media)
        page = pages.find_messages(connection, query)
        assert model.matches(asked, chosen) == sorted(row.id for row in page.rows)
        assert len(page.rows) == page.total
    for each in (PHONE, BOB, GROUP):
        for mine in (None, True, False):
            query = query_of(each, is_from_me=mine)
            listed = [row for row in model.rows if row[1] == each and mine in (None, row[5])]
            assert len(listed) == pages.find_messages(connection, query).total
    connection.execute("INSERT INTO search (search) VALUES ('integrity-check')")
    connection.close()


async def test_the_total_of_chats_follows_the_archive(device: Device, inbox: Inbound) -> None:
    for who in (ALICE, BOB):
        inbox.message(incoming(chat=who, sender=who))
    rows(device.shard, "UPDATE chats SET archived = 1 WHERE jid = ?", ALICE)
    asked = [ListChats(), ListChats(archived=True), ListChats(archived=False)]
    assert [2, 1, 1] == [(await list_chats(device, command)).pagination.total for command in asked]
    rows(device.shard, "DELETE FROM chats WHERE jid = ?", ALICE)
    assert [1, 0, 1] == [(await list_chats(device, command)).pagination.total for command in asked]


def test_what_is_stored_in_both_chats_of_somebody_is_found_once(shard: Shard) -> None:
    for chat in (ALICE_LID, ALICE):
        fields = {"sender": OWN, "from_me": True, "timestamp": NOON, "content": "hello"}
        shard.write(partial(store, made="M1", chat=chat, **fields)).result()  # type: ignore[arg-type]
    shard.write(partial(learn_lid, lid=ALICE_LID, phone=ALICE)).result()
    page = shard.write(partial(pages.find_messages, query=query_of(None, "hello"))).result()
    assert ["M1"] == [row.id for row in page.rows]
    assert [(ALICE_LID, 0), (ALICE, 1)] == rows(
        shard, "SELECT chat, messages FROM message_totals ORDER BY chat DESC"
    )
