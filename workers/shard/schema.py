"""The tables of a shard; every time is Unix milliseconds UTC."""

from sqlite_utils import Database, Migrations

from wagateway.commands.internal import id_of_url
from workers.shard.search import chat_sql, key_sql
from workers.shard.text import searchable

SCHEMA = Migrations("shard")

_START = (
    # `latest` is the newest row of messages in the chat: what a page of chats began with is told by it.
    """CREATE TABLE chats (
        row INTEGER PRIMARY KEY,
        jid TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        last_message_time INTEGER NOT NULL DEFAULT 0,
        latest INTEGER NOT NULL DEFAULT 0,
        ephemeral_expiration INTEGER NOT NULL DEFAULT 0,
        archived INTEGER NOT NULL DEFAULT 0,
        unread_count INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX chats_by_time ON chats (last_message_time, row)",
    # `raw` is the serialised E2E.Message, so that nothing of a message is lost that is not read yet.
    """CREATE TABLE messages (
        row INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        chat TEXT NOT NULL,
        sender TEXT NOT NULL,
        from_me INTEGER NOT NULL,
        push_name TEXT NOT NULL DEFAULT '',
        timestamp INTEGER NOT NULL,
        kind TEXT NOT NULL,
        content TEXT NOT NULL DEFAULT '',
        media_type TEXT NOT NULL DEFAULT '',
        filename TEXT NOT NULL DEFAULT '',
        url TEXT NOT NULL DEFAULT '',
        file_length INTEGER NOT NULL DEFAULT 0,
        quoted_id TEXT NOT NULL DEFAULT '',
        raw BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        UNIQUE (id, chat, sender)
    ) STRICT""",
    "CREATE INDEX messages_by_time ON messages (chat, timestamp)",
    "CREATE INDEX messages_with_media ON messages (chat, timestamp) WHERE media_type != ''",
    """CREATE TABLE contacts (
        jid TEXT PRIMARY KEY,
        name TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE lids (
        lid TEXT PRIMARY KEY,
        phone TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    # `body` is the event as hooks get it, byte for byte.
    """CREATE TABLE log (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        event_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        chat TEXT NOT NULL,
        time INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT""",
    # `state` is 'sending' until WhatsApp has answered: such a row that nobody is working on is in doubt.
    """CREATE TABLE outbox (
        key TEXT PRIMARY KEY,
        fingerprint BLOB NOT NULL,
        state TEXT NOT NULL DEFAULT 'sending' CHECK (state IN ('sending', 'sent')),
        message_id TEXT NOT NULL DEFAULT '',
        reply BLOB NOT NULL DEFAULT x'',
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX outbox_by_age ON outbox (created_at)",
    # `pause` is the wait that `next_attempt` ends: no jump of the clock makes it longer.
    """CREATE TABLE hooks (
        url TEXT PRIMARY KEY,
        cursor INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_attempt INTEGER NOT NULL DEFAULT 0,
        pause INTEGER NOT NULL DEFAULT 0,
        last_error TEXT NOT NULL DEFAULT '',
        updated_at INTEGER NOT NULL
    ) STRICT""",
)


@SCHEMA(name="0001_start")
def _start(database: Database) -> None:
    for statement in _START:
        database.execute(statement)


_MEDIA = (
    # 0 while the message is being prepared: a key of that sort without a send under way is free.
    "ALTER TABLE outbox ADD COLUMN handed INTEGER NOT NULL DEFAULT 1",
    # Of our own messages: how far they came ('' for those of others), and why not farther.
    "ALTER TABLE messages ADD COLUMN status TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE messages ADD COLUMN status_reason TEXT NOT NULL DEFAULT ''",
    # What a reaction, an edit, a revoke or a vote is about.
    "ALTER TABLE messages ADD COLUMN target_id TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE messages ADD COLUMN edited_at INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE messages ADD COLUMN revoked_at INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE messages ADD COLUMN media_id TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE messages ADD COLUMN forwarded INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX messages_by_target ON messages (target_id) WHERE target_id != ''",
    "CREATE INDEX lids_by_phone ON lids (phone)",
    # Who has which message, also of messages that are not stored yet.
    """CREATE TABLE receipts (
        chat TEXT NOT NULL,
        id TEXT NOT NULL,
        recipient TEXT NOT NULL,
        delivered_at INTEGER NOT NULL DEFAULT 0,
        read_at INTEGER NOT NULL DEFAULT 0,
        played_at INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (chat, id, recipient)
    ) STRICT, WITHOUT ROWID""",
    # `id` is the SHA-256 of the file in hex, which is also its name in the folder of files.
    """CREATE TABLE media (
        id TEXT PRIMARY KEY,
        state TEXT NOT NULL CHECK (state IN ('wanted', 'idle', 'ready', 'failed', 'expired', 'removed')),
        encrypted_as TEXT NOT NULL,
        mime_type TEXT NOT NULL,
        size INTEGER NOT NULL,
        media_key BLOB NOT NULL,
        enc_sha256 BLOB NOT NULL,
        direct_path TEXT NOT NULL,
        message_id TEXT NOT NULL,
        chat TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_attempt INTEGER NOT NULL DEFAULT 0,
        reason TEXT NOT NULL DEFAULT '',
        used_at INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX media_wanted ON media (next_attempt) WHERE state = 'wanted'",
    "CREATE INDEX media_by_use ON media (used_at) WHERE state = 'ready'",
)


@SCHEMA(name="0002_media")
def _media(database: Database) -> None:
    for statement in _MEDIA:
        database.execute(statement)


_CHATS = (
    # As the account's phone has them; `muted_until` is Unix milliseconds, -1 for ever.
    "ALTER TABLE chats ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE chats ADD COLUMN muted_until INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE chats ADD COLUMN marked_unread INTEGER NOT NULL DEFAULT 0",
    # When the chat was last answered by itself.
    "ALTER TABLE chats ADD COLUMN auto_replied_at INTEGER NOT NULL DEFAULT 0",
    # JSON about an incoming call.
    "ALTER TABLE messages ADD COLUMN metadata TEXT NOT NULL DEFAULT ''",
    # When something that happens now and then was last done.
    """CREATE TABLE marks (
        name TEXT PRIMARY KEY,
        at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
)


@SCHEMA(name="0003_chats")
def _chats(database: Database) -> None:
    for statement in _CHATS:
        database.execute(statement)


# What is about another message is not searched: an edit would be found beside what it made.
_SEARCHED = "{row}.target_id = '' AND coalesce({row}.words, {row}.content || {row}.filename) != ''"
_KEYS = (
    chat_sql("{row}") + " || CASE WHEN {row}.from_me THEN ' own' ELSE '' END"
    " || CASE WHEN {row}.media_type != '' THEN ' file' ELSE '' END"
)
_ENTRY = (
    f"SELECT {key_sql('{row}')} AS key, {_KEYS}, "
    "coalesce({row}.words, {row}.content || ' ' || {row}.filename)"
)
_INDEX = f"INSERT INTO search (rowid, keys, words) {_ENTRY} WHERE {_SEARCHED};"
_UNINDEX = f"""INSERT INTO search (search, rowid, keys, words)
    SELECT 'delete', {_ENTRY.removeprefix("SELECT ")} WHERE {_SEARCHED};"""
_COUNT = """INSERT INTO message_totals (chat, messages, own, files)
    VALUES ({row}.chat, 1, {row}.from_me, {row}.media_type != '')
    ON CONFLICT (chat) DO UPDATE SET
        messages = messages + 1, own = own + excluded.own, files = files + excluded.files;"""
_UNCOUNT = """UPDATE message_totals
    SET messages = messages - 1, own = own - {row}.from_me, files = files - ({row}.media_type != '')
    WHERE chat = {row}.chat;"""
_COUNT_CHAT = """INSERT INTO chat_totals (archived, chats) VALUES (new.archived, 1)
    ON CONFLICT (archived) DO UPDATE SET chats = chats + 1;"""
_UNCOUNT_CHAT = "UPDATE chat_totals SET chats = chats - 1 WHERE archived = old.archived;"


def _about(row: str, *statements: str) -> str:
    return " ".join(statement.replace("{row}", row) for statement in statements)


_OLD = _about("old", _UNINDEX, _UNCOUNT)
_NEW = _about("new", _INDEX, _COUNT)

_SEARCH = (
    # The words of content and filename that a search compares; NULL where SQLite finds the same by itself.
    "ALTER TABLE messages ADD COLUMN words TEXT",
    """CREATE TABLE message_totals (
        chat TEXT PRIMARY KEY,
        messages INTEGER NOT NULL,
        own INTEGER NOT NULL,
        files INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE chat_totals (archived INTEGER PRIMARY KEY, chats INTEGER NOT NULL) STRICT",
    # It keeps no text of its own: whoever changes a row must have the old one taken out word by word.
    """CREATE VIRTUAL TABLE search USING fts5 (
        keys, words, content = '', tokenize = 'ascii', prefix = '2 3'
    )""",
    # Anew with all that a page and its filters ask for, so that counting reads no row.
    "DROP INDEX messages_by_time",
    "CREATE INDEX messages_by_time ON messages (chat, timestamp, row, from_me)",
    "DROP INDEX messages_with_media",
    "CREATE INDEX messages_with_media ON messages (chat, timestamp, row, from_me) WHERE media_type != ''",
    "CREATE INDEX chats_by_latest ON chats (latest)",
)

_BATCH = 1000
_UNCUT = "SELECT row, content, filename FROM messages WHERE row > ? AND target_id = '' ORDER BY row LIMIT ?"
_FILL = (
    f"""INSERT INTO search (rowid, keys, words)
    {_about("m", _ENTRY)} FROM messages m WHERE {_about("m", _SEARCHED)} ORDER BY key""",
    """INSERT INTO message_totals (chat, messages, own, files)
    SELECT chat, count(*), sum(from_me), sum(media_type != '') FROM messages GROUP BY chat""",
    "INSERT INTO chat_totals (archived, chats) SELECT archived, count(*) FROM chats GROUP BY archived",
)

_TRIGGERS = (
    f"CREATE TRIGGER message_added AFTER INSERT ON messages BEGIN {_NEW} END",
    f"CREATE TRIGGER message_deleted AFTER DELETE ON messages BEGIN {_OLD} END",
    f"""CREATE TRIGGER message_changed
    AFTER UPDATE OF chat, timestamp, from_me, target_id, media_type, content, filename, words ON messages
    BEGIN {_OLD} {_NEW} END""",
    f"CREATE TRIGGER chat_added AFTER INSERT ON chats BEGIN {_COUNT_CHAT} END",
    f"CREATE TRIGGER chat_deleted AFTER DELETE ON chats BEGIN {_UNCOUNT_CHAT} END",
    f"""CREATE TRIGGER chat_archived AFTER UPDATE OF archived ON chats WHEN new.archived != old.archived
    BEGIN {_UNCOUNT_CHAT} {_COUNT_CHAT} END""",
)


@SCHEMA(name="0004_search")
def _search(database: Database) -> None:
    for statement in _SEARCH:
        database.execute(statement)
    _cut(database)
    for statement in (*_FILL, *_TRIGGERS):
        database.execute(statement)


def _cut(database: Database) -> None:
    last = 0
    while batch := database.execute(_UNCUT, (last, _BATCH)).fetchall():
        last = batch[-1][0]
        cut = [(searchable(f"{content} {filename}"), row) for row, content, filename in batch]
        changed = [one for one in cut if one[0] is not None]
        database.conn.executemany("UPDATE messages SET words = ? WHERE row = ?", changed)


_BASE_TIME = (
    # A time of the last message that no stored message has: what the phone told, or of one deleted since.
    "ALTER TABLE chats ADD COLUMN base_time INTEGER NOT NULL DEFAULT 0",
    """UPDATE chats SET base_time = last_message_time WHERE last_message_time > coalesce((
        SELECT timestamp FROM messages WHERE chat = jid AND target_id = '' ORDER BY timestamp DESC LIMIT 1
    ), 0)""",
)


@SCHEMA(name="0005_base_time")
def _base_time(database: Database) -> None:
    for statement in _BASE_TIME:
        database.execute(statement)


_READERS = (
    # A hook is known by its id: its URL may change, and belongs to the configuration.
    "ALTER TABLE hooks RENAME TO old_hooks",
    # `cursor`: it is done with every event up to there, but for those in the lanes. `attempts` failed in a
    # row whatever the chat, `pause` is the wait that `next_attempt` ends, `down` the sum of those before it:
    # no jump of the clock makes any of them longer.
    """CREATE TABLE hooks (
        id TEXT PRIMARY KEY,
        cursor INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'gone')),
        attempts INTEGER NOT NULL DEFAULT 0,
        next_attempt INTEGER NOT NULL DEFAULT 0,
        pause INTEGER NOT NULL DEFAULT 0,
        down INTEGER NOT NULL DEFAULT 0,
        last_status INTEGER NOT NULL DEFAULT 0,
        last_error TEXT NOT NULL DEFAULT '',
        delivered_at INTEGER NOT NULL DEFAULT 0,
        updated_at INTEGER NOT NULL
    ) STRICT""",
    # A chat in which a failed event holds up those behind it: the hook has its events up to `cursor` only.
    """CREATE TABLE lanes (
        hook TEXT NOT NULL,
        chat TEXT NOT NULL,
        cursor INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        next_attempt INTEGER NOT NULL,
        pause INTEGER NOT NULL,
        waited INTEGER NOT NULL,
        PRIMARY KEY (hook, chat)
    ) STRICT, WITHOUT ROWID""",
    # Events that are delivered again: those after `cursor` up to `last`, of all or of dead letters only.
    """CREATE TABLE replays (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        hook TEXT NOT NULL,
        dead INTEGER NOT NULL,
        cursor INTEGER NOT NULL,
        last INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_attempt INTEGER NOT NULL DEFAULT 0,
        pause INTEGER NOT NULL DEFAULT 0,
        waited INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL
    ) STRICT""",
    # What became of an event at a hook; `took` is in milliseconds, `at` that of the last attempt.
    """CREATE TABLE deliveries (
        hook TEXT NOT NULL,
        seq INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('delivered', 'failing', 'dead')),
        attempts INTEGER NOT NULL,
        status INTEGER NOT NULL,
        error TEXT NOT NULL,
        took INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (hook, seq)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX deliveries_undone ON deliveries (hook, state, seq) WHERE state != 'delivered'",
    "CREATE INDEX deliveries_dead ON deliveries (seq) WHERE state = 'dead'",
    "CREATE INDEX log_by_chat ON log (chat, seq)",
    "CREATE TABLE log_totals (events INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT",
    "INSERT INTO log_totals SELECT count(*), coalesce(sum(length(body)), 0) FROM log",
    """CREATE TRIGGER event_added AFTER INSERT ON log BEGIN
        UPDATE log_totals SET events = events + 1, bytes = bytes + length(new.body);
    END""",
    """CREATE TRIGGER event_deleted AFTER DELETE ON log BEGIN
        UPDATE log_totals SET events = events - 1, bytes = bytes - length(old.body);
    END""",
)


@SCHEMA(name="0006_readers")
def _readers(database: Database) -> None:
    for statement in _READERS:
        database.execute(statement)
    for url, cursor, updated_at in database.execute("SELECT url, cursor, updated_at FROM old_hooks"):
        database.execute(
            "INSERT INTO hooks (id, cursor, updated_at) VALUES (?, ?, ?)",
            (id_of_url(url), cursor, updated_at),
        )
    database.execute("DROP TABLE old_hooks")
