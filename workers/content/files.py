"""The file of a message: what is needed to fetch it, checked before anybody relies on it."""

import re
from typing import Any

from workers.content.fields import count, field, file_name, mime_type, words
from workers.content.shapes import MediaPart
from workers.engine import MediaKind

_ENCRYPTED_AS: dict[str, MediaKind] = {
    "image": "image",
    "sticker": "image",
    "video": "video",
    "video_note": "video",
    "audio": "audio",
    "document": "document",
}
_HEADERS = {"imageMessage": "image", "videoMessage": "video", "documentMessage": "document"}
_KEY_SIZE = 32  # bytes of the media key and of both digests
# It is put behind a host name, so it must not be able to change which host that is.
_PATH = re.compile(r"/[\x21-\x7e]{0,2047}")
_LONGEST_URL = 4096


def file_of(part: Any, kind: str) -> MediaPart | None:
    """The file of an image, video, audio, document or sticker; None when it cannot be fetched.

    Those of newsletters are not encrypted, and have neither a key nor a digest of what is encrypted.
    """
    sha256, enc_sha256, key = part.fileSHA256, part.fileEncSHA256, part.mediaKey
    sizes = (len(sha256), len(enc_sha256), len(key))
    if sizes not in ((_KEY_SIZE,) * 3, (_KEY_SIZE, 0, 0)):
        return None
    direct_path = words(part.directPath)
    if not _PATH.fullmatch(direct_path):
        return None
    url = words(part.URL)
    return MediaPart(
        id=sha256.hex(),
        kind=kind,
        encrypted_as=_ENCRYPTED_AS[kind],
        mime_type=mime_type(part.mimetype),
        size=count(part.fileLength),
        media_key=bytes(key),
        enc_sha256=bytes(enc_sha256),
        direct_path=direct_path,
        url=url if len(url) <= _LONGEST_URL else "",
        filename=file_name(field(part, "fileName", "") or field(part, "title", "")),
        seconds=count(field(part, "seconds", 0)),
        width=count(field(part, "width", 0)),
        height=count(field(part, "height", 0)),
        animated=any(bool(field(part, name, False)) for name in ("gifPlayback", "isAnimated", "isLottie")),
        voice=bool(field(part, "PTT", False)),
    )


def file_of_header(part: Any) -> MediaPart | None:
    """The file that stands above the text of buttons, of a template or of an interactive message."""
    for name, kind in _HEADERS.items():
        if part.HasField(name):
            return file_of(getattr(part, name), kind)
    return None
