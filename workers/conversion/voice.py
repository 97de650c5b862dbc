"""Voice notes: Opus in Ogg, and the waveform that is drawn beside it."""

from array import array

import av
import msgspec
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from workers.conversion.audio import OPUS, RATE, Encoding, audio_of, decoded, played_as
from workers.conversion.files import finished
from workers.conversion.jobs import Converted, Job
from workers.conversion.media import opened

_MOST_SECONDS = 2 * 3600
_BIT_RATE = 64_000
_BARS = 64
_STRIDE = 7  # one sample of so many is looked at: enough for a drawing


class Levels:
    """How loud a recording is as time passes; needs no more than a number for each frame."""

    def __init__(self) -> None:
        self._resampler = AudioResampler("s16", "mono", RATE)
        self._levels: list[tuple[int, float]] = []
        self.samples = 0

    def hear(self, frame: AudioFrame) -> None:
        """Take in the next piece of the recording."""
        for mono in self._resampler.resample(frame):
            heard = array("h", bytes(mono.planes[0])[: 2 * mono.samples])[::_STRIDE]
            self._levels.append((self.samples, sum(map(abs, heard)) / max(1, len(heard))))
            self.samples += mono.samples

    def waveform(self) -> bytes:
        """64 numbers, 0 to 100: the loudest is 100 unless there is only silence."""
        sums, counts = [0.0] * _BARS, [0] * _BARS
        for at, level in self._levels:
            bar = at * _BARS // max(1, self.samples)
            sums[bar] += level
            counts[bar] += 1
        means: list[float] = []
        for total, count in zip(sums, counts, strict=True):
            # A recording with fewer frames than bars repeats the one before.
            means.append(total / count if count else (means[-1] if means else 0.0))
        loudest = max(means)
        return bytes(round(100 * mean / loudest) if loudest >= 1 else 0 for mean in means)


def convert(job: Job) -> Converted:
    """A mono voice note; a file that is Ogg/Opus already stays as it is."""
    levels = Levels()
    with opened(job.source) as container:
        ready = played_as(container, audio_of(container)) == OPUS
        if ready:
            for frame in decoded(container, audio_of(container), _MOST_SECONDS):
                levels.hear(frame)
        else:
            _write(container, levels, job)
    return msgspec.structs.replace(
        finished(job.source if ready else job.output, OPUS),
        seconds=max(1, round(levels.samples / RATE)),
        waveform=levels.waveform(),
    )


def _write(container: InputContainer, levels: Levels, job: Job) -> None:
    with av.open(str(job.output), "w", format="ogg") as output:
        encoding = Encoding(output, "libopus", "mono", _BIT_RATE, {"application": "voip"})
        for frame in decoded(container, audio_of(container), _MOST_SECONDS):
            levels.hear(frame)
            output.mux(list(encoding.packets(frame)))
        output.mux(list(encoding.packets(None)))
