"""The tables of a shard; every time is Unix milliseconds UTC."""

from sqlite_utils import Database, Migrations

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
