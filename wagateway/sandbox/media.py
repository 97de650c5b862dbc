"""The media host: files that devices upload, download and delete."""

import hashlib
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from wagateway.sandbox.identity import MEDIA_HOST
from wagateway.sandbox.proxy import Request, Response

_PREFIX = "/v/"


class MediaHost:
    """Keeps files in a folder, each under the digest of the token it was uploaded with."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)

    def put(self, token: str, data: bytes) -> str:
        """Keep a file; the direct path under which devices find it."""
        name = hashlib.sha256(token.encode()).hexdigest()
        (self._folder / name).write_bytes(data)
        # Devices append `&hash=…` to it, so it must already have a query.
        return f"{_PREFIX}{name}?ccb=1"

    def answer(self, request: Request, body: bytes) -> Response:
        """One request of a device."""
        url = urlsplit(request.target)
        if request.method == "POST":
            path = self.put(parse_qs(url.query).get("token", [url.path])[0], body)
            found = {"url": f"https://{MEDIA_HOST}{path}", "direct_path": path, "handle": "sandbox"}
            return Response(200, json.dumps(found).encode(), "application/json")
        name = url.path.removeprefix(_PREFIX)
        if request.method == "DELETE":
            token = parse_qs(url.query).get("token", [""])[0]
            self._file(hashlib.sha256(token.encode()).hexdigest()).unlink(missing_ok=True)
            return Response(200)
        file = self._file(name)
        return Response(200, file.read_bytes()) if file.is_file() else Response(404)

    def _file(self, name: str) -> Path:
        known = name if len(name) == 64 and name.isalnum() else "none"
        return self._folder / known
