"""Videos: MP4 with H.264 and AAC, copied where the streams are that already, encoded where not."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import msgspec
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from workers.conversion.audio import Encoding
from workers.conversion.files import Refusal, finished
from workers.conversion.images import thumbnail
from workers.conversion.jobs import Converted, Job
from workers.conversion.media import Health, damaged, opened, readable, seconds_of, too_long

_MOST_SECONDS = 2 * 3600
_MOST_PIXELS = 4096 * 2304
_THUMBNAIL_EDGE = 100
_CLOCK = 90_000
_THREADS = 2
_PACKETS_TO_FIRST_FRAME = 500

Track = Callable[["Packet[Any] | None"], "Iterator[Packet[Any]]"]
"""Takes the packets of an input stream, None at its end, and gives those to write."""


class Quality(msgspec.Struct, frozen=True):
    """How a video is encoded: the box it is fitted into, x264's `crf`, and the most frames per second."""

    edge: int
    crf: int
    rate: int


_COMPRESSED = Quality(640, 28, 30)
_HD = Quality(1280, 23, 60)
_PLAIN = Quality(1920, 23, 60)


class Look(msgspec.Struct, frozen=True):
    """What a first look shows.

    The size is in pixels as shown, `rotation` in degrees; `start` and length are seconds, 0 when unknown.
    `h264` and `aac` mean that the streams can stay as they are; `mp4` that the container can.
    """

    width: int
    height: int
    rotation: int
    start: float
    seconds: float
    thumbnail: bytes
    h264: bool
    aac: bool
    mp4: bool


def convert(job: Job) -> Converted:
    """An MP4 that WhatsApp plays; the file itself when it is one and nothing smaller is asked for."""
    look = _look(job.source)
    smaller = job.compress or job.hd
    width, height = look.width, look.height
    if look.mp4 and look.h264 and look.aac and look.seconds and not smaller:
        path, seconds = job.source, look.seconds
    else:
        quality = _HD if job.hd else _COMPRESSED if job.compress else _PLAIN
        copied = look.h264 and not smaller
        if not copied:
            width, height = _fit(look, quality.edge)
        path, seconds = job.output, _write(job, look, None if copied else quality)
    return msgspec.structs.replace(
        finished(path, "video/mp4"),
        width=width,
        height=height,
        seconds=max(1, round(seconds)),
        thumbnail=look.thumbnail,
    )


def _look(source: Path) -> Look:
    with opened(source) as container:
        video, audio = _streams(container)
        if seconds_of(container) > _MOST_SECONDS:
            raise too_long(_MOST_SECONDS)
        frame = _first_frame(container, video)
        width, height = _shown_size(frame, video)
        name = container.format.name.partition(",")[0]
        small = _still(frame, width, height)
        if frame.rotation % 180:
            width, height = height, width
        copyable = name in ("mov", "matroska")
        return Look(
            width=width,
            height=height,
            rotation=frame.rotation,
            start=(container.start_time or 0) / 1_000_000,
            seconds=seconds_of(container),
            thumbnail=small,
            h264=copyable and video.codec_context.name == "h264" and video.pix_fmt in ("yuv420p", "yuvj420p"),
            aac=audio is None or (copyable and audio.codec_context.name == "aac"),
            mp4=name == "mov" and container.metadata.get("major_brand", "qt").strip() != "qt",
        )


def _still(frame: VideoFrame, width: int, height: int) -> bytes:
    small = frame.reformat(*_even(width, height, 2 * _THUMBNAIL_EDGE), format="rgb24")
    plane = small.planes[0]
    size = (small.width, small.height)
    image = Image.frombuffer("RGB", size, bytes(plane), "raw", "RGB", plane.line_size, 1)
    return thumbnail(image.rotate(frame.rotation, expand=True), _THUMBNAIL_EDGE)


def _streams(container: InputContainer) -> tuple[VideoStream, AudioStream | None]:
    video = next((stream for stream in container.streams.video if readable(stream)), None)
    if video is None:
        raise Refusal("has no video that can be read")
    if video.width * video.height > _MOST_PIXELS:
        raise Refusal("is too large to be converted: its picture has more than 9 million pixels")
    video.thread_count = _THREADS
    return video, next((stream for stream in container.streams.audio if readable(stream)), None)


def _first_frame(container: InputContainer, video: VideoStream) -> VideoFrame:
    health = Health()
    for number, packet in enumerate(container.demux(video)):
        for frame in health.frames(packet):
            assert isinstance(frame, VideoFrame)
            if not frame.is_corrupt and frame.width * frame.height <= _MOST_PIXELS:
                return frame
        if number > _PACKETS_TO_FIRST_FRAME:
            break
    raise damaged()


def _shown_size(frame: VideoFrame, video: VideoStream) -> tuple[int, int]:
    """Width and height with square pixels, before the picture is turned upright."""
    aspect = video.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 4) < aspect < 4:
        aspect = Fraction(1)
    return max(2, round(frame.width * aspect)), frame.height


def _even(width: int, height: int, edge: int) -> tuple[int, int]:
    """The size fitted into a square, never enlarged, in even numbers as H.264 wants them."""
    scale = min(1.0, edge / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _fit(look: Look, edge: int) -> tuple[int, int]:
    return _even(look.width, look.height, edge)


def _write(job: Job, look: Look, quality: Quality | None) -> float:
    """Write the MP4 (video copied without a quality) and return how many seconds it lasts."""
    with (
        opened(job.source) as container,
        av.open(str(job.output), "w", format="mp4", options={"movflags": "faststart"}) as output,
    ):
        video, audio = _streams(container)
        if quality is None:
            tracks = {video.index: _copied(output, video)}
        else:
            tracks = {video.index: _encoded(output, video, look, quality)}
        streams: list[Stream] = [video]
        if audio is not None:
            copied = look.aac and quality is None
            tracks[audio.index] = _copied(output, audio) if copied else _encoded_audio(output, audio)
            streams.append(audio)
        return _mux(container.demux(streams), tracks, output)


def _mux(packets: "Iterator[Packet[Any]]", tracks: dict[int, Track], output: OutputContainer) -> float:
    seconds = 0.0
    for packet in packets:
        for ready in tracks[packet.stream.index](packet):
            seconds = max(seconds, float(((ready.pts or 0) + (ready.duration or 0)) * ready.time_base))
            if seconds > _MOST_SECONDS:
                raise too_long(_MOST_SECONDS)
            output.mux(ready)
    for track in tracks.values():
        for ready in track(None):
            seconds = max(seconds, float(((ready.pts or 0) + (ready.duration or 0)) * ready.time_base))
            output.mux(ready)
    return seconds


def _copied(output: OutputContainer, stream: Stream) -> Track:
    target = output.add_stream_from_template(stream)
    early: list[Packet[Any]] = []

    def track(packet: "Packet[Any] | None") -> "Iterator[Packet[Any]]":
        if packet is not None and packet.size:  # the last one is empty
            packet.stream = target
            early.append(packet)
        if early and (packet is None or early[-1].dts is not None):
            _time(early)
            yield from early
            early.clear()

    return track


def _time(packets: "list[Packet[Any]]") -> None:
    """Give packets their decoding times: Matroska leaves out those before the first reordered frame."""
    last = packets[-1]
    step = last.duration or 1
    if last.dts is None:
        last.dts = last.pts
    for packet in reversed(packets[:-1]):
        packet.dts = (last.dts or 0) - step
        last = packet


def _encoded_audio(output: OutputContainer, stream: AudioStream) -> Track:
    encoding = Encoding(output, "aac", "stereo", 128_000, {})
    health = Health()

    def track(packet: "Packet[Any] | None") -> "Iterator[Packet[Any]]":
        if packet is None:
            yield from encoding.packets(None)
            return
        for frame in health.frames(packet):
            assert isinstance(frame, AudioFrame)
            yield from encoding.packets(frame)

    return track


def _encoded(output: OutputContainer, stream: VideoStream, look: Look, quality: Quality) -> Track:
    width, height = _fit(look, quality.edge)
    if look.rotation % 180:
        width, height = height, width
    rate = min(stream.guessed_rate or Fraction(25), Fraction(quality.rate))
    target = output.add_stream(
        "libx264",
        rate=max(rate, Fraction(1)),
        options={"crf": str(quality.crf), "preset": "veryfast"},
        width=width,
        height=height,
        pix_fmt="yuv420p",
    )
    assert isinstance(target, VideoStream)
    target.codec_context.time_base = Fraction(1, _CLOCK)
    target.thread_count = _THREADS
    if look.rotation:
        target.set_display_rotation(look.rotation)
    health = Health()
    shortest = _CLOCK / (quality.rate * 1.1)
    last = -float(_CLOCK)

    def track(packet: "Packet[Any] | None") -> "Iterator[Packet[Any]]":
        nonlocal last
        if packet is None:
            health.check()
            yield from target.encode(None)
            return
        for frame in health.frames(packet):
            assert isinstance(frame, VideoFrame)
            at = round(((frame.time or 0.0) - look.start) * _CLOCK)
            if at - last < shortest:  # also a time that goes backwards
                continue
            last = at
            scaled = frame.reformat(width, height, "yuv420p")
            scaled.pts, scaled.time_base = at, Fraction(1, _CLOCK)
            scaled.pict_type = av.video.frame.PictureType.NONE  # or x264 repeats the choices of the source
            yield from target.encode(scaled)

    return track
