"""What a phone shows of the messages it received: their contents and their files, opened when asked."""

from typing import Any

import msgspec

from wagateway.commands.sandbox import InboxMessage, MediaContent
from wagateway.contract import Problem
from wagateway.sandbox import attachments
from wagateway.sandbox.contents import as_json
from wagateway.sandbox.media import MediaHost
from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.media import MediaKind
from wagateway.whatsapp.protos import E2E

MOST_BYTES = 12 * 1024 * 1024
"""The largest file that an answer has room for."""

_GONE = "the file is not on the media host"


def shown(host: MediaHost, entry: InboxMessage, content: bytes) -> InboxMessage:
    """An entry with its whole message, and what its file is once decrypted; blocks while it decrypts."""
    facts: dict[str, Any] = {"message": as_json(content)}
    found = attachments.find(E2E.Message.FromString(content))
    if found is not None:
        try:
            digest, size = _measured(host, *found)
            facts |= {"media_id": digest, "media_size": size}
        except ProtocolError as error:
            facts["media_error"] = str(error)
    return msgspec.structs.replace(entry, **facts)


def _measured(host: MediaHost, file: attachments.Lodged, kind: MediaKind) -> tuple[str, int]:
    path = host.find(file.direct_path)
    if path is None:
        raise ProtocolError(_GONE)
    if file.direct_path not in host.measured:
        size = sum(map(len, attachments.decrypted(path, file, kind)))
        host.measured[file.direct_path] = file.file_sha256.hex(), size
    return host.measured[file.direct_path]


def opened(host: MediaHost, content: bytes) -> MediaContent:
    """The file of a message; raises `Problem`. Blocks while it decrypts."""
    found = attachments.find(E2E.Message.FromString(content))
    if found is None:
        raise Problem(404, "NO_MEDIA", "The message has no file")
    file, kind = found
    path = host.find(file.direct_path)
    if path is None:
        raise Problem(404, "MEDIA_GONE", _GONE)
    if path.stat().st_size > MOST_BYTES:
        raise Problem(413, "MEDIA_TOO_LARGE", "The file is too large to be shown; its digest is in the inbox")
    try:
        data = b"".join(attachments.decrypted(path, file, kind))
    except ProtocolError as error:
        raise Problem(422, "MEDIA_BROKEN", str(error)) from error
    return MediaContent(data, len(data), file.file_sha256.hex())
