"""Files in messages: phones encrypt and upload them, and fetch and decrypt those that they were sent."""

import hashlib
import hmac
import mimetypes
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from wagateway.sandbox.contents import innermost
from wagateway.sandbox.identity import MEDIA_HOST
from wagateway.sandbox.media import MediaHost, direct_path
from wagateway.sandbox.network import now
from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.keys import hkdf
from wagateway.whatsapp.media import MediaKind, encrypt_media
from wagateway.whatsapp.protos import E2E

FileKind = Literal["image", "video", "video_note", "audio", "voice_note", "document", "sticker"]

_CHUNK = 1024 * 1024
_MAC_SIZE = 10
_WAVEFORM = bytes(abs(at % 16 - 8) * 12 for at in range(64))
_FIELDS: dict[FileKind, tuple[str, MediaKind, str]] = {
    "image": ("imageMessage", "Image", "image/jpeg"),
    "video": ("videoMessage", "Video", "video/mp4"),
    "video_note": ("ptvMessage", "Video", "video/mp4"),
    "audio": ("audioMessage", "Audio", "audio/mpeg"),
    "voice_note": ("audioMessage", "Audio", "audio/ogg; codecs=opus"),
    "document": ("documentMessage", "Document", "application/octet-stream"),
    "sticker": ("stickerMessage", "Image", "image/webp"),
}
_KEYS: dict[str, MediaKind] = {
    "ImageMessage": "Image",
    "VideoMessage": "Video",
    "AudioMessage": "Audio",
    "DocumentMessage": "Document",
    "StickerMessage": "Image",
    "StickerPackMessage": "Sticker Pack",
}


class Lodged(msgspec.Struct, frozen=True):
    """What a message says of a file on the media host; no key where the file is not encrypted."""

    direct_path: str
    size: int
    file_sha256: bytes
    file_enc_sha256: bytes = b""
    media_key: bytes = b""


def lodge(host: MediaHost, kind: FileKind, data: bytes, *, encrypted: bool, lost: bool) -> Lodged:
    """Upload a file as a phone does; one that is `lost` has expired at once. Blocks while it encrypts."""
    token = secrets.token_hex(16)
    if encrypted:
        media = encrypt_media(data, _FIELDS[kind][1])
        stored, hashes = media.ciphertext, (media.file_sha256, media.file_enc_sha256, media.media_key)
    else:
        stored, hashes = data, (hashlib.sha256(data).digest(), b"", b"")
    host.put(token, stored)
    if lost:
        host.expire(direct_path(token))
    return Lodged(direct_path(token), len(data), *hashes)


class Particulars(msgspec.Struct, frozen=True):
    """What a phone says of a file besides the file: `seconds` long, `width` and `height` in pixels."""

    caption: str = ""
    filename: str = ""
    mime_type: str = ""
    view_once: bool = False
    seconds: int = 0
    width: int = 0
    height: int = 0
    thumbnail: bytes = b""


def message(kind: FileKind, file: Lodged, more: Particulars) -> E2E.Message:
    """The message about an uploaded file; `more` that its kind has no place for is left out."""
    content = E2E.Message()
    part = getattr(content, _FIELDS[kind][0])
    part.URL = f"https://{MEDIA_HOST}{file.direct_path}"
    part.directPath = file.direct_path
    part.fileSHA256, part.fileLength = file.file_sha256, file.size
    if file.media_key:
        part.mediaKey, part.fileEncSHA256 = file.media_key, file.file_enc_sha256
        part.mediaKeyTimestamp = now()
    part.mimetype = more.mime_type or _guess(kind, more.filename)
    if kind == "voice_note":
        part.PTT, part.waveform = True, _WAVEFORM
    wanted = {
        "caption": more.caption,
        "fileName": more.filename,
        "title": more.filename,
        "seconds": more.seconds,
        "width": more.width,
        "height": more.height,
        "JPEGThumbnail": more.thumbnail,
        "viewOnce": more.view_once,
    }
    for name, value in wanted.items():
        if value and name in part.DESCRIPTOR.fields_by_name:
            setattr(part, name, value)
    return _wrapped(kind, content, more)


def _guess(kind: FileKind, filename: str) -> str:
    guessed = mimetypes.guess_type(filename)[0] if kind == "document" else None
    return guessed or _FIELDS[kind][2]


def _wrapped(kind: FileKind, content: E2E.Message, more: Particulars) -> E2E.Message:
    wrapper = E2E.Message()
    if more.view_once:
        of_sound = kind in ("audio", "voice_note")
        outer = wrapper.viewOnceMessageV2Extension if of_sound else wrapper.viewOnceMessageV2
    elif kind == "document" and more.caption:
        outer = wrapper.documentWithCaptionMessage
    else:
        return content
    outer.message.CopyFrom(content)
    return wrapper


def find(content: E2E.Message) -> tuple[Lodged, MediaKind] | None:
    """The file that a message is about, and what its key is for; None when it is about none."""
    part: Any = innermost(content)[1]
    kind = _KEYS.get(type(part).__name__)
    if kind is None or not part.directPath:
        return None
    file = Lodged(
        part.directPath, part.fileLength, part.fileSHA256, part.fileEncSHA256, getattr(part, "mediaKey", b"")
    )
    return file, kind


def decrypted(path: Path, file: Lodged, kind: MediaKind) -> Iterator[bytes]:
    """The pieces of a file as the message's author had it.

    `ProtocolError` at the end when it is not what the message promises, as a real phone would find out.
    """
    digest = hashlib.sha256()
    pieces = _opened(path, file, kind) if file.media_key else _pieces(path, path.stat().st_size)
    for piece in pieces:
        digest.update(piece)
        yield piece
    if digest.digest() != file.file_sha256:
        raise ProtocolError("a file is not the one that its message promises")


def _opened(path: Path, file: Lodged, kind: MediaKind) -> Iterator[bytes]:
    keys = hkdf(file.media_key, 112, info=f"WhatsApp {kind} Keys".encode())
    mac = hmac.new(keys[48:80], keys[:16], "sha256")
    stored = hashlib.sha256()
    decryptor, unpadder = Cipher(AES(keys[16:48]), CBC(keys[:16])).decryptor(), PKCS7(128).unpadder()
    body = path.stat().st_size - _MAC_SIZE
    if body <= 0:
        raise ProtocolError("a media file is cut short")
    try:
        for piece in _pieces(path, body):
            mac.update(piece)
            stored.update(piece)
            yield unpadder.update(decryptor.update(piece))
        yield unpadder.update(decryptor.finalize()) + unpadder.finalize()
    except ValueError:
        raise ProtocolError("a media file is cut short") from None
    tail = _tail(path)
    stored.update(tail)
    if mac.digest()[:_MAC_SIZE] != tail or stored.digest() != file.file_enc_sha256:
        raise ProtocolError("a media file's MAC or digest does not fit")


def _tail(path: Path) -> bytes:
    with path.open("rb") as stored:
        stored.seek(-_MAC_SIZE, os.SEEK_END)
        return stored.read()


def _pieces(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as stored:
        while size > 0 and (piece := stored.read(min(_CHUNK, size))):
            size -= len(piece)
            yield piece
