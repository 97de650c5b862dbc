"""Opening audio and video of strangers: only known containers and codecs, and no file but the one given."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from workers.conversion.files import Refusal

_HEAD_BYTES = 4096
_TS_PACKET = 188
_ID3_BYTES = 10
_MARKS = (
    # offset, mark, demuxer: the demuxer is named, so that no playlist or script format is ever tried
    (4, b"ftyp", "mov"),
    (4, b"moov", "mov"),
    (4, b"mdat", "mov"),
    (4, b"wide", "mov"),
    (4, b"free", "mov"),
    (4, b"skip", "mov"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (8, b"AVI ", "avi"),
    (8, b"WAVE", "wav"),
    (0, b"OggS", "ogg"),
    (0, b"fLaC", "flac"),
    (0, b"#!AMR", "amr"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"FLV\x01", "flv"),
    (0, b"GIF8", "gif"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
    (8, b"AIFF", "aiff"),
    (8, b"AIFC", "aiff"),
    (0, b"caff", "caf"),
)
_VIDEO_DECODERS = """
    h264 hevc vp8 vp9 av1 libdav1d mpeg4 mpeg1video mpeg2video mjpeg h263 flv msmpeg4v2 msmpeg4
    wmv1 wmv2 wmv3 vc1 theora gif
"""
_AUDIO_DECODERS = """
    aac mp3 mp3float mp2 mp2float opus libopus vorbis flac alac ac3 eac3 wmav1 wmav2 wmapro
    amrnb amrwb libopencore_amrnb libopencore_amrwb adpcm_ms adpcm_ima_wav pcm_alaw pcm_mulaw
    pcm_u8 pcm_s8 pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le pcm_s32be
    pcm_f32le pcm_f32be pcm_f64le pcm_f64be
"""
_DECODERS = frozenset((_VIDEO_DECODERS + _AUDIO_DECODERS).split())


@contextlib.contextmanager
def opened(source: Path) -> Iterator[InputContainer]:
    """The container in the file; raises `Refusal` when there is none that can be read."""
    demuxer = _demuxer(source)
    if demuxer is None:
        raise Refusal("is no audio or video that can be read")
    with (
        source.open("rb") as file,
        av.open(
            file,
            "r",
            format=demuxer,
            options={"codec_whitelist": ",".join(sorted(_DECODERS))},
            io_open=_open_nothing,
            metadata_errors="replace",
        ) as container,
    ):
        yield container


def readable(stream: Stream) -> bool:
    """Whether the stream has one of the codecs that we decode, and is not the picture of a cover."""
    context = stream.codec_context
    cover = stream.disposition & av.stream.Disposition.attached_pic
    return context is not None and context.name in _DECODERS and not cover


def seconds_of(container: InputContainer) -> float:
    """What the container says that it lasts; 0 when it does not say."""
    return max(0.0, (container.duration or 0) / 1_000_000)


class Health:
    """Counts the packets that could be decoded: a few bad ones are normal, more of them are no file."""

    def __init__(self) -> None:
        self._good = self._bad = 0

    def frames(self, packet: "Packet[Any]") -> Iterator[object]:
        """The frames of a packet, none for a damaged one; raises `Refusal` when too many are."""
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            self._bad += 1
            if self._bad > self._good + 10:
                raise damaged() from None
            return
        self._good += bool(frames)
        yield from frames

    def check(self) -> None:
        """Raises `Refusal` when nothing could be decoded, or less than could not."""
        if self._good <= self._bad:
            raise damaged()


def damaged() -> Refusal:
    """For files whose content does not decode."""
    return Refusal("cannot be read: it is damaged")


def too_long(most: int) -> Refusal:
    """For what lasts longer than `most` seconds."""
    return Refusal(f"is too long to be converted: more than {most // 60} minutes")


def _demuxer(source: Path) -> str | None:
    with source.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if head[:3] == b"ID3" and len(head) >= _ID3_BYTES:
            file.seek(_ID3_BYTES + sum((head[6 + at] & 0x7F) << (21 - 7 * at) for at in range(4)))
            head = file.read(_HEAD_BYTES)
            if not head.startswith(b"fLaC"):
                return _raw_audio(head) or "mp3"
    for offset, mark, demuxer in _MARKS:
        if head.startswith(mark, offset):
            return demuxer
    if head[:1] == b"G" and head[_TS_PACKET : _TS_PACKET + 1] == b"G":
        return "mpegts"
    return _raw_audio(head)


def _raw_audio(head: bytes) -> str | None:
    """ADTS and MPEG audio both begin with twelve set bits; the layer (0 for ADTS) tells them apart."""
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    layer = head[1] & 0x06
    if layer:
        return "mp3"
    return "aac" if head[1] & 0xF0 == 0xF0 else None


def _open_nothing(*_: object) -> object:
    raise PermissionError("a media file may not open another")
