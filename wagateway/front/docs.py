"""The document of the API and its pages: Swagger UI from an installed package, never from the network."""

import asyncio
import hashlib
from collections.abc import Callable
from importlib.metadata import version
from importlib.resources import as_file, files
from pathlib import Path

import msgspec
from aiohttp import web

from wagateway.front.answers import SERVER

DOCUMENT = "/openapi.json"
DOCS = "/docs"
_PACKAGE = "swagger-ui-bundle-v2"
_VERSION = version(_PACKAGE)
_ASSETS = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
# Its style sheet holds its icons as data. Styles that scripts set one by one need no leave.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_CHANGING = "no-cache"
_LASTING = "private, max-age=31536000, immutable"
_START = f"{DOCS}/start.js"
_LINKS = f"docs/{_VERSION}"  # relative, so that they hold under every base path
_PAGE = f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>wagateway: API</title>
<link rel="icon" type="image/png" href="{_LINKS}/favicon-32x32.png">
<link rel="stylesheet" href="{_LINKS}/swagger-ui.css">
<script defer src="{_LINKS}/swagger-ui-bundle.js"></script>
<script defer src="docs/start.js"></script>
</head>
<body><div id="api"></div></body>
</html>
""".encode()
_SCRIPT = b"""\
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  validatorUrl: null,
});
"""


class _Content(msgspec.Struct, frozen=True):
    kind: str
    body: bytes


class Docs:
    """Answers `/openapi.json` and everything under `/docs`; the document is made when first asked for."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = make
        self._made: bytes | None = None
        self._making = asyncio.Lock()

    async def find(self, request: web.BaseRequest, path: str) -> web.Response | None:
        """The answer for a path (without the base path); None for what is none of these."""
        if path == DOCUMENT:
            return _changing(request, _Content("application/json", await self._document()))
        if path == DOCS:
            return _changing(request, _Content("text/html; charset=utf-8", _PAGE))
        if path == DOCS + "/":
            return web.Response(status=308, headers={"Location": "../docs", "Server": SERVER})
        if path == _START:
            return _changing(request, _Content("text/javascript; charset=utf-8", _SCRIPT))
        return await _asset(request, path)

    async def _document(self) -> bytes:
        async with self._making:
            if self._made is None:
                # It takes tenths of a second, and everybody else's requests would wait.
                self._made = await asyncio.to_thread(self._make)
        return self._made


async def _asset(request: web.BaseRequest, path: str) -> web.Response | None:
    folder, _, name = path.rpartition("/")
    kind = _ASSETS.get(name)
    if folder != f"{DOCS}/{_VERSION}" or kind is None:
        return None
    tag = f'"{_VERSION}-{name}"'
    if _has(request, tag):
        return _answer(tag, _LASTING, kind, None)
    return _answer(tag, _LASTING, kind, await asyncio.to_thread(_read, name))


def _read(name: str) -> bytes:
    """The file of this name, which is one of `_ASSETS`."""
    with as_file(files("swagger_ui_bundle")) as package:
        return Path(package, "vendor", f"swagger-ui-{_VERSION}", name).read_bytes()


def _changing(request: web.BaseRequest, content: _Content) -> web.Response:
    tag = f'"{hashlib.sha256(content.body).hexdigest()[:32]}"'
    return _answer(tag, _CHANGING, content.kind, None if _has(request, tag) else content.body)


def _has(request: web.BaseRequest, tag: str) -> bool:
    given = request.headers.get("If-None-Match", "")
    return tag in [one.strip().removeprefix("W/") for one in given.split(",")]


def _answer(tag: str, caching: str, kind: str, body: bytes | None) -> web.Response:
    headers = {
        "Cache-Control": caching,
        "Content-Security-Policy": _POLICY,
        "Content-Type": kind,
        "ETag": tag,
        "Referrer-Policy": "no-referrer",
        "Server": SERVER,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    return web.Response(status=200 if body is not None else 304, body=body, headers=headers)
