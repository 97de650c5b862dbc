"""History syncs: conversations that a phone hands a linked device through the media host."""

import secrets
import zlib

from wagateway.sandbox.media import MediaHost
from wagateway.sandbox.network import now
from wagateway.sandbox.phones import Phone
from wagateway.sandbox.state import Endpoint
from wagateway.whatsapp.media import encrypt_media
from wagateway.whatsapp.protos import E2E, HistorySync

_TEXT_BYTES = 500


def make(size: int, conversations: int) -> bytes:
    """A history of about `size` bytes, spread over so many chats, packed as it travels."""
    history = HistorySync.HistorySync(syncType=HistorySync.HistorySync.RECENT, chunkOrder=1, progress=100)
    started, per_chat = now(), size // conversations
    for chat in range(conversations):
        jid = f"{62900000000 + chat}@s.whatsapp.net"
        conversation = history.conversations.add(ID=jid, name=f"History {chat}")
        conversation.conversationTimestamp = started
        for place in range(max(1, per_chat // (_TEXT_BYTES + 100))):
            entry = conversation.messages.add(msgOrderID=place).message
            entry.key.remoteJID = jid
            entry.key.fromMe = place % 2 == 1
            entry.key.ID = f"3A{chat:06X}{place:06X}{secrets.token_hex(2).upper()}"
            entry.messageTimestamp = started - place * 60
            # Half of the text is random, so that it compresses about as well as what people write.
            entry.message.conversation = secrets.token_hex(_TEXT_BYTES // 4) + "x" * (_TEXT_BYTES // 2)
    return zlib.compress(history.SerializeToString())


def send(phone: Phone, companion: Endpoint, host: MediaHost, packed: bytes) -> None:
    """Put a packed history on the media host and tell the device where it is."""
    media = encrypt_media(packed, "History")
    content = E2E.ProtocolMessage(type=E2E.ProtocolMessage.HISTORY_SYNC_NOTIFICATION)
    notification = content.historySyncNotification
    notification.mediaKey = media.media_key
    notification.fileSHA256 = media.file_sha256
    notification.fileEncSHA256 = media.file_enc_sha256
    notification.fileLength = len(packed)
    notification.directPath = host.put(secrets.token_hex(16), media.ciphertext)
    notification.syncType = E2E.RECENT
    notification.chunkOrder = 1
    notification.progress = 100
    phone.send_peer(companion, content)
