"""History syncs: conversations that a phone hands a linked device through the media host."""

import secrets
import zlib

from wagateway.commands.sandbox import history as commands
from wagateway.phone import to_jid
from wagateway.sandbox import attachments, contents
from wagateway.sandbox.media import MediaHost
from wagateway.sandbox.network import now
from wagateway.sandbox.phones import Phone, new_id
from wagateway.sandbox.state import Endpoint
from wagateway.whatsapp.media import encrypt_media
from wagateway.whatsapp.protos import E2E, Common, HistorySync, Web

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
    return pack(history)


def pack(history: HistorySync.HistorySync) -> bytes:
    """A history as it travels."""
    return zlib.compress(history.SerializeToString())


class Writing:
    """Writes down what a command says as the history of a phone; the files go to the media host."""

    def __init__(self, host: MediaHost, kind: commands.HistoryType) -> None:
        self.history = HistorySync.HistorySync(chunkOrder=1, progress=100)
        self.history.syncType = HistorySync.HistorySync.HistorySyncType.Value(kind.upper())
        self.ids: list[str] = []
        self._host = host

    def people(self, push_names: dict[str, str], lids: dict[str, str]) -> None:
        """Add who is called what, and whose LIDs are whose."""
        for who, name in push_names.items():
            self.history.pushnames.add(ID=to_jid(who, "push_names"), pushname=name)
        for lid, number in lids.items():
            self.history.phoneNumberToLidMappings.add(
                lidJID=to_jid(lid, "lids"), pnJID=to_jid(number, "lids")
            )

    def chat(self, told: commands.OldChat) -> None:
        """Add a chat with its messages."""
        moment = now()
        chat = self.history.conversations.add(ID=to_jid(told.chat, "chat"), name=told.name)
        if told.number is not None:
            chat.pnJID = to_jid(told.number, "number")
        chat.archived, chat.markedAsUnread, chat.unreadCount = told.archived, told.marked_unread, told.unread
        chat.ephemeralExpiration = told.timer
        chat.pinned = moment if told.pinned else 0
        chat.muteEndTime = told.muted_until % (1 << 64)
        chat.conversationTimestamp = moment - min((each.age for each in told.messages), default=0)
        for place, message in enumerate(told.messages):
            self._message(chat.ID, chat.messages.add(msgOrderID=place).message, message, moment)

    def _message(self, chat: str, info: Web.WebMessageInfo, told: commands.OldMessage, moment: int) -> None:
        info.key.remoteJID, info.key.fromMe = chat, told.from_me
        info.key.ID = told.id or new_id()
        info.messageTimestamp, info.pushName = moment - told.age, told.push_name
        self.ids.append(info.key.ID)
        if told.sender is not None:
            info.participant = info.key.participant = to_jid(told.sender, "sender")
        if told.status is not None:
            info.status = Web.WebMessageInfo.Status.Value(told.status.upper())
        if told.revoked:
            info.messageStubType = Web.WebMessageInfo.REVOKE
        else:
            info.message.CopyFrom(self._content(told))
        for reaction in told.reactions:
            info.reactions.append(self._reaction(chat, reaction, info.messageTimestamp))

    def _content(self, told: commands.OldMessage) -> E2E.Message:
        if told.kind is not None:
            file = attachments.lodge(self._host, told.kind, told.data, encrypted=True, lost=False)
            return attachments.message(told.kind, file, attachments.Particulars(caption=told.text))
        return contents.parse(told.content) if told.content else E2E.Message(conversation=told.text)

    def _reaction(self, chat: str, told: commands.OldReaction, sent_at: int) -> Web.Reaction:
        key = Common.MessageKey(remoteJID=chat, fromMe=told.sender is None, ID=new_id())
        if told.sender is not None:
            key.participant = to_jid(told.sender, "sender")
        return Web.Reaction(key=key, text=told.emoji, senderTimestampMS=sent_at * 1000)


def send(
    phone: Phone, companion: Endpoint, host: MediaHost, packed: bytes, kind: commands.HistoryType = "recent"
) -> None:
    """Put a packed history on the media host and tell the device where it is."""
    media = encrypt_media(packed, "History")
    content = E2E.ProtocolMessage(type=E2E.ProtocolMessage.HISTORY_SYNC_NOTIFICATION)
    notification = content.historySyncNotification
    notification.mediaKey = media.media_key
    notification.fileSHA256 = media.file_sha256
    notification.fileEncSHA256 = media.file_enc_sha256
    notification.fileLength = len(packed)
    notification.directPath = host.put(secrets.token_hex(16), media.ciphertext)
    notification.syncType = E2E.HistorySyncType.Value(kind.upper())
    notification.chunkOrder = 1
    notification.progress = 100
    phone.send_peer(companion, content)
