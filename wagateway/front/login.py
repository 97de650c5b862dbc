"""The QR code of a login as a picture and as a link to it."""

import asyncio
import base64
import io
import secrets
from datetime import UTC, datetime

import msgspec
import segno
from aiohttp import web

from wagateway.commands.app import LoginCode
from wagateway.envelope import Envelope
from wagateway.front.answers import SERVER, done
from wagateway.front.origins import Origins
from wagateway.wire import Reply

FOLDER = "/statics/qrcode/"
_HEADERS = {
    "Content-Type": "image/png",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Server": SERVER,
}
_decoder = msgspec.json.Decoder(Envelope[LoginCode])


class Picture(msgspec.Struct, frozen=True):
    """The PNG of a code under a name that nobody can guess; `expires` is UTC."""

    name: str
    code: str
    png: bytes
    expires: datetime


class Pictures:
    """The pictures of the codes that can be scanned now."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self._of_device: dict[str, Picture] = {}

    async def add(self, request: web.BaseRequest, reply: Reply) -> web.Response:
        """A `LoginCode` reply with its `qr_link` and `qr_image`."""
        answer = _decoder.decode(reply.body)
        assert answer.results is not None
        picture = await self._picture(answer.results)
        image = "data:image/png;base64," + base64.b64encode(picture.png).decode()
        link = self._origins.link(request, FOLDER + picture.name)
        return done(answer.message, msgspec.structs.replace(answer.results, qr_link=link, qr_image=image))

    def find(self, path: str) -> web.Response | None:
        """The picture that a path (without the base path) names, while its code is valid."""
        self._forget_expired()
        for picture in self._of_device.values():
            if secrets.compare_digest(path.encode(), f"{FOLDER}{picture.name}".encode()):
                return web.Response(body=picture.png, headers=_HEADERS)
        return None

    async def _picture(self, login: LoginCode) -> Picture:
        known = self._of_device.get(login.device_id)
        if known is not None and known.code == login.qr_code:
            return known
        # Drawing takes tens of milliseconds, and everybody else's requests would wait.
        png = await asyncio.to_thread(_png, login.qr_code)
        picture = Picture(
            name=f"scan-qr-{secrets.token_urlsafe(24)}.png",
            code=login.qr_code,
            png=png,
            expires=datetime.fromisoformat(login.expires_at),
        )
        self._forget_expired()
        # Another request may have drawn the same code meanwhile; its link is out already.
        known = self._of_device.get(login.device_id)
        if known is not None and known.code == login.qr_code:
            return known
        self._of_device[login.device_id] = picture
        return picture

    def _forget_expired(self) -> None:
        now = datetime.now(UTC)
        for device_id, picture in list(self._of_device.items()):
            if picture.expires <= now:
                del self._of_device[device_id]


def _png(code: str) -> bytes:
    file = io.BytesIO()
    segno.make_qr(code).save(file, kind="png", scale=8, border=4)
    return file.getvalue()
