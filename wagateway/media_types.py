"""The MIME types that files are served with, and the extensions of their links."""

_EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "video/mp4": ".mp4",
    "video/3gpp": ".3gp",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/aac": ".aac",
    "audio/amr": ".amr",
    "audio/wav": ".wav",
    "audio/flac": ".flac",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "application/msword": ".doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.ms-powerpoint": ".ppt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "text/plain": ".txt",
    "text/csv": ".csv",
    "text/vcard": ".vcf",
}
"""Nothing in it is active content: a browser that is shown such a file runs no script of the sender's."""

_TYPES = {extension: mime for mime, extension in _EXTENSIONS.items()}
UNKNOWN = "application/octet-stream"


def extension_of(mime_type: str) -> str:
    """The extension of a MIME type, parameters ignored; `.bin` for what is not in the table."""
    return _EXTENSIONS.get(plain(mime_type), ".bin")


def mime_of(extension: str) -> str:
    """The MIME type of an extension as `extension_of` gives it."""
    return _TYPES.get(extension, UNKNOWN)


def plain(mime_type: str) -> str:
    """A MIME type in lower case and without parameters."""
    return mime_type.partition(";")[0].strip().lower()


def media_path(device_key: str, media_id: str, mime_type: str) -> str:
    """Where a file of a device is served, relative to the root; `device_key` is that of `wire`."""
    return f"statics/media/{device_key}/{media_id}{extension_of(mime_type)}"
