"""Audio files: what WhatsApp plays goes as it is, everything else becomes AAC."""

from collections.abc import Iterator
from fractions import Fraction

import av
import msgspec
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from workers.conversion.files import Refusal, finished
from workers.conversion.jobs import Converted, Job
from workers.conversion.media import Health, opened, readable, too_long

OPUS = "audio/ogg; codecs=opus"
RATE = 48_000
_MOST_SECONDS = 4 * 3600
_PLAYED = {
    ("mp3", "mp3"): "audio/mpeg",
    ("mp3", "mp3float"): "audio/mpeg",
    ("mov", "aac"): "audio/mp4",
    ("aac", "aac"): "audio/aac",
    ("ogg", "opus"): OPUS,
    ("ogg", "libopus"): OPUS,
    ("amr", "amrnb"): "audio/amr",
    ("amr", "libopencore_amrnb"): "audio/amr",
}
"""What WhatsApp plays, by container and codec."""


def convert(job: Job) -> Converted:
    """The file itself when WhatsApp plays it, else an M4A; `seconds` is measured, not read from a header."""
    with opened(job.source) as container:
        stream = audio_of(container)
        mime_type = played_as(container, stream)
        if mime_type:
            seconds = _measured(container, stream)
            return _lasting(finished(job.source, mime_type), seconds)
        with av.open(str(job.output), "w", format="ipod", options={"movflags": "faststart"}) as output:
            seconds = _write(container, stream, output)
    return _lasting(finished(job.output, "audio/mp4"), seconds)


def audio_of(container: InputContainer) -> AudioStream:
    """The audio of a file; raises `Refusal` when it has none."""
    for stream in container.streams.audio:
        if readable(stream):
            return stream
    raise Refusal("has no audio that can be read")


def played_as(container: InputContainer, stream: AudioStream) -> str:
    """The MIME type of a file that WhatsApp plays as audio, "" for one that it does not."""
    if any(readable(video) for video in container.streams.video):
        return ""
    return _PLAYED.get((container.format.name.partition(",")[0], stream.codec_context.name), "")


class Encoding:
    """An audio stream of an output: takes decoded frames of any shape, and counts what it was given."""

    def __init__(
        self, output: OutputContainer, codec: str, layout: str, bit_rate: int, options: dict[str, str]
    ) -> None:
        stream = output.add_stream(codec, rate=RATE, options=options, layout=layout)
        assert isinstance(stream, AudioStream)
        stream.bit_rate = bit_rate
        self._stream = stream
        self._resampler = AudioResampler(stream.codec_context.format, layout, RATE)
        self.samples = 0

    def packets(self, frame: AudioFrame | None) -> "Iterator[Packet[AudioStream]]":
        """What is ready to be written; None ends the stream."""
        for resampled in self._resampler.resample(frame):
            # Counted, because the times of a damaged file jump.
            resampled.pts, resampled.time_base = self.samples, Fraction(1, RATE)
            self.samples += resampled.samples
            yield from self._stream.encode(resampled)
        if frame is None:
            yield from self._stream.encode(None)


def decoded(container: InputContainer, stream: AudioStream, most: int) -> Iterator[AudioFrame]:
    """All frames; raises `Refusal` when they do not decode or last longer than `most` seconds."""
    health = Health()
    seconds = 0.0
    for packet in container.demux(stream):
        for frame in health.frames(packet):
            assert isinstance(frame, AudioFrame)
            seconds += frame.samples / frame.sample_rate
            if seconds > most:
                raise too_long(most)
            yield frame
    health.check()


def _measured(container: InputContainer, stream: AudioStream) -> float:
    """Seconds, from the lengths of all packets; the first ones are decoded to see that it is audio."""
    health = Health()
    seconds = 0.0
    for number, packet in enumerate(container.demux(stream)):
        if number < 20:  # enough to know
            for _ in health.frames(packet):
                pass
        if packet.duration and packet.time_base:
            seconds += float(packet.duration * packet.time_base)
    health.check()
    return seconds


def _write(container: InputContainer, stream: AudioStream, output: OutputContainer) -> float:
    layout = "mono" if stream.codec_context.channels == 1 else "stereo"
    encoding = Encoding(output, "aac", layout, 64_000 if layout == "mono" else 128_000, {})
    for frame in decoded(container, stream, _MOST_SECONDS):
        output.mux(list(encoding.packets(frame)))
    output.mux(list(encoding.packets(None)))
    return encoding.samples / RATE


def _lasting(converted: Converted, seconds: float) -> Converted:
    return msgspec.structs.replace(converted, seconds=max(1, round(seconds)))
