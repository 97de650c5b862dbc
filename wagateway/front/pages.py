"""The paths that the front answers without asking anybody: what the document of the API says of them."""

from importlib.metadata import version

import msgspec

from wagateway.commands.sending import MAX_FILE, MAX_IMAGE, MAX_VIDEO
from wagateway.front.listening import Listen
from wagateway.front.tickets import Ticket
from wagateway.openapi.document import Page
from wagateway.settings import Settings


class Banner(msgspec.Struct, frozen=True):
    """Which program answers here."""

    name: str
    version: str


class AppInfo(msgspec.Struct, frozen=True):
    """The version, limits in bytes, and what is offered."""

    version: str
    os: str
    base_path: str
    max_file_size: int
    max_video_size: int
    max_image_size: int
    chatwoot_enabled: bool


PAGES = (
    Page("/", "GetBanner", "Say which program this is", reply=Banner),
    Page("/app/info", "GetAppInfo", "Get version, base path and limits", reply=AppInfo),
    Page("/openapi.json", "GetDocument", "Get this document"),
    Page("/docs", "GetDocumentation", "Read this document in a browser", kind="text/html"),
    Page(
        "/statics/qrcode/{name}",
        "GetQrPicture",
        "Get the picture of a QR code, by the `qr_link` of a login, while it is valid",
        kind="image/png",
        refusals=(404,),
    ),
    Page(
        "/statics/media/{device_key}/{name}",
        "GetMedia",
        """Get a file of the media store, by the `file_path` or `file_url` of a message

        A signed link (`file_url`) needs no credentials until it expires. Takes `Range` and `If-None-Match`.
        """,
        kind="application/octet-stream",
        refusals=(403, 404, 410, 416, 502, 503, 504, 507),
    ),
    Page(
        "/ws",
        "OpenWebSocket",
        """Hear over a WebSocket at once what happens on one device or several

        Each frame is `code`, `message` and `result`, which has the `device_id`, the event and its `seq`: say
        `after=` that number to go on, for one device, and what was missed comes first. Say
        `{"code": "FETCH_DEVICES"}` to get `LIST_DEVICES`; another code is answered `VALIDATION_ERROR`. Who
        reads too slowly is closed with 1013, and goes on with `after`. Credentials are the header's, a
        `ticket`, or else in `authorization`.
        """,
        refusals=(403, 404, 426, 503),
        status=101,
        asks=Listen,
    ),
    Page(
        "/ws/ticket",
        "IssueTicket",
        "Get a ticket for one WebSocket, for who can send no header there",
        reply=Ticket,
        refusals=(403, 503),
        method="post",
    ),
    Page(
        "/health",
        "GetHealth",
        "Say that requests are served: `OK`, or 503",
        kind="text/plain",
        also=(503,),
        open=True,
    ),
)


def banner() -> Banner:
    """What answers here."""
    return Banner("wagateway", version("wagateway"))


def app_info(settings: Settings) -> AppInfo:
    """What this gateway offers."""
    return AppInfo(
        version=version("wagateway"),
        os=settings.os,
        base_path=settings.base_path,
        max_file_size=MAX_FILE,
        max_video_size=MAX_VIDEO,
        max_image_size=MAX_IMAGE,
        chatwoot_enabled=False,
    )
