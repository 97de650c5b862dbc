"""Answers the commands that hand out the files of messages."""

from functools import partial

from wagateway.commands.messages import DownloadedMedia, DownloadMessageMedia, FetchMedia, MediaFile
from wagateway.media_types import plain
from wagateway.phone import to_jid
from wagateway.problems import invalid
from wagateway.whatsapp.protos import E2E
from workers import content
from workers.device import Device
from workers.media import served_at
from workers.shard import chats

_MARGIN = 3.0  # seconds before the caller's deadline, so that the answer is ours


async def download_message_media(device: Device, command: DownloadMessageMedia) -> DownloadedMedia:
    """The file of a message of this chat, downloaded at most once."""
    chat = to_jid(command.phone)
    find = partial(chats.find_target, message_id=command.message_id, chat=chat)
    row = (await device.shard.read(find)).row
    read = content.interpret(E2E.Message.FromString(row.raw))
    part = read.media if read is not None else None
    if part is None:
        raise invalid("message_id", "this message has no media")
    file = await device.media.fetch_part(part, row.id, row.chat, _patience(device))
    path = served_at(device.id, part.id, file.mime_type)
    return DownloadedMedia(
        message_id=row.id,
        status=f"Media downloaded successfully to {path}",
        media_type=part.kind,
        filename=path.rpartition("/")[2],
        file_path=path,
        file_size=file.size,
        media_id=part.id,
        mime_type=plain(file.mime_type),
    )


async def fetch_media(device: Device, command: FetchMedia) -> MediaFile:
    """Where a file is, once it is there."""
    return await device.media.fetch(command.media_id, _patience(device))


def _patience(device: Device) -> float:
    return max(device.settings.request_timeout - _MARGIN, 1.0)
