"""The QR code of a login as a picture that a browser can show."""

import base64
import io
import secrets
import time

import msgspec
import segno
from aiohttp import web

from wagateway.commands.app import Login, LoginCode
from wagateway.contract import Problem
from wagateway.envelope import success
from wagateway.front.requests import Form, Road, answer, decoded, read_command

PATH = "/statics/qrcode/scan-qr-{token}.png"
_SCALE = 8


class Picture(msgspec.Struct, frozen=True):
    """A PNG that is served until `expires` (monotonic seconds)."""

    token: str
    png: bytes
    expires: float


class Pictures:
    """The pictures of the codes that are valid now, by code."""

    def __init__(self) -> None:
        self._by_code: dict[str, Picture] = {}

    def of(self, code: LoginCode) -> Picture:
        """The picture of a code; the same one while the code is the same."""
        now = time.monotonic()
        self._by_code = {text: one for text, one in self._by_code.items() if one.expires > now}
        if code.qr_code not in self._by_code:
            png = io.BytesIO()
            segno.make(code.qr_code, error="l").save(png, kind="png", scale=_SCALE)
            picture = Picture(secrets.token_urlsafe(16), png.getvalue(), now + code.qr_duration)
            self._by_code[code.qr_code] = picture
        return self._by_code[code.qr_code]

    async def serve(self, request: web.Request) -> web.Response:
        """The PNG behind a `qr_link`."""
        token = request.match_info["token"]
        now = time.monotonic()
        for picture in self._by_code.values():
            if secrets.compare_digest(picture.token.encode(), token.encode()) and picture.expires > now:
                headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
                return web.Response(body=picture.png, content_type="image/png", headers=headers)
        raise Problem(404, "NOT_FOUND", "This QR code has expired; ask for the login again")


def handler(road: Road, pictures: Pictures, shape: Form, base: str, *, by_path: bool):  # type: ignore[no-untyped-def]
    """`Login`, with the picture added to the worker's answer."""

    async def login(request: web.Request) -> web.Response:
        row = road.device(request, by_path=by_path)
        reply = await road.to_worker(row, await read_command(request, shape))
        if reply.status != 200:
            return answer(reply)
        code: LoginCode = decoded(reply, LoginCode)
        picture = pictures.of(code)
        link = f"{request.scheme}://{request.host}{base}{PATH.format(token=picture.token)}"
        image = "data:image/png;base64," + base64.b64encode(picture.png).decode()
        full = msgspec.structs.replace(code, qr_link=link, qr_image=image)
        return web.json_response(body=success(Login.done, full))

    return login
