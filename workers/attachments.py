"""Files of send commands: taken from the spool or a URL, converted, uploaded, and made into a message."""

import contextlib
import mimetypes
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from wagateway.commands.sending import (
    MAX_FETCHED,
    MAX_FILE,
    MAX_IMAGE,
    MAX_UPLOAD,
    SendAudio,
    SendFile,
    SendImage,
    SendLink,
    SendSticker,
    SendVideo,
)
from wagateway.contract import Problem, Upload
from wagateway.media_types import UNKNOWN, plain
from wagateway.problems import invalid
from wagateway.whatsapp.protos import E2E
from workers.conversion.converter import Converter
from workers.conversion.jobs import Converted
from workers.conversion.reuse import Reuse
from workers.egress import Egress, fetch
from workers.engine import Engine, MediaKind, Uploaded
from workers.preview import preview
from workers.scratch import Scratch

_FETCH_SECONDS = 30.0  # as the real server has it
_VOICE = "audio/ogg; codecs=opus"


class Source(msgspec.Struct, frozen=True):
    """A file to send, before anything is known of it but its hash and what its sender says."""

    path: Path
    size: int
    sha256: str
    name: str
    mime_type: str


class Attachments:
    """What turns files into messages; `scratch` holds them meanwhile."""

    def __init__(self, scratch: Scratch, converter: Converter, egress: Egress, engine: Engine) -> None:
        self._scratch = scratch
        self._converter = converter
        self._egress = egress
        self._engine = engine
        self._reuse = Reuse(scratch.folder)

    async def image(self, chat: str, command: SendImage, context: E2E.ContextInfo) -> E2E.Message:
        """A picture."""
        async with self._source("image", command.image, command.image_url, MAX_IMAGE) as source:
            converted = await self._converted(
                source, "image", self._converter.image, compress=command.compress, hd=command.hd
            )
            uploaded = await self._upload("image", converted, "image", chat)
        message = E2E.ImageMessage(
            caption=command.caption or None,
            width=converted.width,
            height=converted.height,
            JPEGThumbnail=converted.thumbnail,
            viewOnce=command.view_once or None,
        )
        return E2E.Message(imageMessage=_filled(message, uploaded, converted.mime_type, context))

    async def video(self, chat: str, command: SendVideo, context: E2E.ContextInfo) -> E2E.Message:
        """A video, or one that plays like a GIF."""
        async with self._source("video", command.video, command.video_url, MAX_FETCHED) as source:
            converted = await self._converted(
                source, "video", self._converter.video, compress=command.compress, hd=command.hd
            )
            uploaded = await self._upload("video", converted, "video", chat)
        message = E2E.VideoMessage(
            caption=command.caption or None,
            width=converted.width,
            height=converted.height,
            seconds=converted.seconds,
            JPEGThumbnail=converted.thumbnail,
            gifPlayback=command.gif_playback or None,
            viewOnce=command.view_once or None,
        )
        return E2E.Message(videoMessage=_filled(message, uploaded, converted.mime_type, context))

    async def audio(self, chat: str, command: SendAudio, context: E2E.ContextInfo) -> E2E.Message:
        """Audio as a file, or a voice note."""
        async with self._source("audio", command.audio, command.audio_url, MAX_FETCHED) as source:
            convert = self._converter.voice if command.ptt else self._converter.audio
            converted = await self._converted(source, "audio", convert)
            uploaded = await self._upload("audio", converted, "audio", chat)
        message = E2E.AudioMessage(
            seconds=converted.seconds,
            PTT=command.ptt,
            waveform=converted.waveform or None,
            viewOnce=command.view_once or None,
        )
        mime_type = _VOICE if command.ptt else converted.mime_type
        return E2E.Message(audioMessage=_filled(message, uploaded, mime_type, context))

    async def sticker(self, chat: str, command: SendSticker, context: E2E.ContextInfo) -> E2E.Message:
        """A sticker, which moves when its file does."""
        async with self._source("sticker", command.sticker, command.sticker_url, MAX_IMAGE) as source:
            converted = await self._converted(source, "sticker", self._converter.sticker)
            uploaded = await self._upload("sticker", converted, "image", chat)
        message = E2E.StickerMessage(
            width=converted.width, height=converted.height, isAnimated=converted.animated
        )
        return E2E.Message(stickerMessage=_filled(message, uploaded, converted.mime_type, context))

    async def document(self, chat: str, command: SendFile, context: E2E.ContextInfo) -> E2E.Message:
        """Any file, untouched; with a caption in the wrapper that makes phones show it."""
        async with self._source("file", command.file, command.file_url, MAX_FILE) as source:
            convert = partial(self._converter.thumbnail, source.path, source.mime_type)
            key = (source.sha256, "thumbnail", source.mime_type)
            shown = await self._reuse.get(key, source.path, convert)
            uploaded = await self._engine.upload(source.path, "document", chat)
        message = E2E.DocumentMessage(title=source.name, fileName=source.name)
        if shown is not None:
            message.JPEGThumbnail = shown.thumbnail
            if shown.pages:
                message.pageCount = shown.pages
        _filled(message, uploaded, source.mime_type, context)
        if not command.caption:
            return E2E.Message(documentMessage=message)
        message.caption = command.caption
        wrapped = E2E.FutureProofMessage(message=E2E.Message(documentMessage=message))
        return E2E.Message(documentWithCaptionMessage=wrapped)

    async def link(self, chat: str, command: SendLink, context: E2E.ContextInfo) -> E2E.Message:
        """A link with the title, description and picture of its page."""
        if not _is_web(command.link):
            raise invalid("link", "must be an http or https URL")
        page = await preview(self._egress, command.link, self._scratch.folder)
        message = E2E.ExtendedTextMessage(
            text=f"{command.caption}\n{command.link}",
            matchedText=command.link,
            title=page.title,
            description=page.description,
            contextInfo=context,
        )
        if page.image is not None:
            with self._scratch.removing(page.image):
                await self._picture(chat, message, page.image)
        return E2E.Message(extendedTextMessage=message)

    async def avatar(self, field: str, upload: Upload) -> bytes:
        """An uploaded picture as the square JPEG that an account or a group is shown with."""
        async with self._source(field, upload, None, MAX_IMAGE) as source:
            converted = await self._converter.avatar(source.path, field)
            with self._scratch.removing(converted.path):
                return converted.path.read_bytes()

    async def again(self, chat: str, part: object, file: Path, kind: MediaKind) -> None:
        """Upload a file anew for a message part that has been sent before, in place."""
        _located(part, await self._engine.upload(file, kind, chat))

    async def _converted(
        self, source: Source, field: str, convert: Callable[..., Awaitable[Converted]], **options: bool
    ) -> Converted:
        key = (source.sha256, convert.__name__, *(f"{name}={value}" for name, value in options.items()))
        converted = await self._reuse.get(key, source.path, partial(convert, source.path, field, **options))
        assert converted is not None
        return converted

    async def _picture(self, chat: str, message: E2E.ExtendedTextMessage, image: Path) -> None:
        try:
            shown = await self._converter.image(image, "link", compress=True, hd=False)
        except Problem:  # a page whose picture is none is a page all the same
            return
        with self._scratch.removing(shown.path):
            uploaded = await self._engine.upload(shown.path, "thumbnail", chat)
        message.JPEGThumbnail = shown.thumbnail
        message.thumbnailWidth, message.thumbnailHeight = shown.width, shown.height
        message.thumbnailDirectPath = uploaded.direct_path
        message.thumbnailSHA256 = uploaded.file_sha256
        message.thumbnailEncSHA256 = uploaded.file_enc_sha256
        message.mediaKey = uploaded.media_key
        message.mediaKeyTimestamp = int(time.time())

    @contextlib.asynccontextmanager
    async def _source(
        self, field: str, upload: Upload | None, url: str | None, most_fetched: int
    ) -> AsyncIterator[Source]:
        """The file that the command has or names; removed at the end."""
        if (upload is None) == (url is None):
            word = "either" if upload is None else "only one of"
            raise invalid(field, f"{word} {field} or {field}_url must be given")
        if upload is not None:
            path = self._scratch.claim(upload)
            mime_type = _type(upload.type, upload.name)
            source = Source(path, upload.size, upload.sha256, upload.name or field, mime_type)
        else:
            assert url is not None
            got = await fetch(
                self._egress,
                url,
                self._scratch.new(),
                most=most_fetched,
                seconds=_FETCH_SECONDS,
                field=f"{field}_url",
            )
            mime_type = _type(got.mime_type, got.name)
            source = Source(got.path, got.size, got.sha256, got.name or field, mime_type)
        with self._scratch.removing(source.path):
            if source.size == 0:
                raise invalid(field, "is an empty file")
            yield source

    async def _upload(self, field: str, converted: Converted, kind: MediaKind, chat: str) -> Uploaded:
        with self._scratch.removing(converted.path):
            if converted.size > MAX_UPLOAD:
                raise invalid(field, f"is larger than {MAX_UPLOAD // 1_000_000} MB after conversion")
            return await self._engine.upload(converted.path, kind, chat)


def _is_web(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _type(told: str, name: str) -> str:
    """What a document is said to be, by whoever sent it or by its name."""
    mime_type = plain(told)
    if mime_type in ("", UNKNOWN):
        return mimetypes.guess_type(name)[0] or UNKNOWN
    return mime_type


def _filled(part: Any, uploaded: Uploaded, mime_type: str, context: E2E.ContextInfo) -> Any:
    """The part of a message that is about a file, told where the file is."""
    part.mimetype = mime_type
    part.contextInfo.CopyFrom(context)
    if not context.ListFields():
        part.ClearField("contextInfo")
    return _located(part, uploaded)


def _located(part: Any, uploaded: Uploaded) -> Any:
    part.URL, part.directPath = uploaded.url, uploaded.direct_path
    part.fileSHA256, part.fileLength = uploaded.file_sha256, uploaded.file_length
    # A newsletter's files are not encrypted: there is no key, nor may one of before be left.
    for name in ("mediaKey", "fileEncSHA256", "mediaKeyTimestamp"):
        part.ClearField(name)
    if uploaded.media_key:
        part.mediaKey, part.fileEncSHA256 = uploaded.media_key, uploaded.file_enc_sha256
        part.mediaKeyTimestamp = int(time.time())
    return part
