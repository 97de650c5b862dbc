"""The demo's files: a picture and a voice note each way, and proof that what arrives is what was sent."""

import hashlib
import io
import math
import struct
import wave

import segno

from wagateway.sandbox.demo.endpoint import Endpoint
from wagateway.sandbox.demo.gateway import File, Gateway
from wagateway.sandbox.demo.telling import NUMBERS, say

_RATE = 16000  # samples a second
_TONES = (440.0, 554.4, 659.3)  # hertz, one after the other


async def exchange(gateway: Gateway, endpoint: Endpoint, sender: str, receiver: str) -> int:
    """Send a picture and a voice note; how many arrived with the hash of what was sent."""
    picture = File("image", "hello.png", _picture(f"Hello from {sender}"))
    voice = File("audio", "hello.wav", _voice())
    matching = 0
    for path, file, options in (
        ("/send/image", picture, {"caption": f"A picture from {sender}", "compress": "false"}),
        ("/send/audio", voice, {"ptt": "true"}),
    ):
        say(f"{sender} → {receiver}", f"POST {path} {file.name} ({len(file.content):,} bytes)")
        reply = await gateway.upload(path, sender, {"phone": NUMBERS[receiver], **options}, file)
        sent = await gateway.media_id(sender, reply["message_id"])
        served = await endpoint.file(receiver, sent)
        received = await gateway.fetch(served)
        digest = hashlib.sha256(received).hexdigest()
        as_is = "" if file.field == "audio" else ", byte for byte the file that was sent"
        if file.field == "image" and received != file.content:
            say(receiver, "THE PICTURE IS NOT THE ONE THAT WAS SENT")
            continue
        if digest != sent:
            say(receiver, f"HASHES DIFFER: sent {sent}, received {digest}")
            continue
        what = "Opus voice note" if received.startswith(b"OggS") else "picture"
        say(receiver, f"GET /{served.partition('?')[0][:34]}… {what}, {len(received):,} bytes{as_is}")
        say("", f"SHA-256 sent {sent[:16]}…, received {digest[:16]}…: they match")
        matching += 1
    return matching


def _picture(text: str) -> bytes:
    out = io.BytesIO()
    segno.make_qr(text).save(out, kind="png", scale=6)
    return out.getvalue()


def _voice() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        for tone in _TONES:
            samples = (int(9000 * math.sin(2 * math.pi * tone * n / _RATE)) for n in range(_RATE // 3))
            file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return out.getvalue()
