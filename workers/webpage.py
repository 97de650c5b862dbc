"""Reads what a web page says of itself: title, description, picture, place."""

import codecs
import re
from html import unescape

import msgspec
from yarl import URL

# The standard library's HTML parser takes quadratic time on hostile pages (half a minute for 120 KB of
# "<a b='"). Only five elements matter here, and one pass that never looks back finds them.
_OPENING = re.compile(r"<(?:(!--)|(script|style|textarea)\b|(title|meta|link|base)(?=[\s/>]))", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""[\s/]*([^\s/>=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]*)))?""")
_CLOSING = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style", "textarea", "title")}
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:+-]{1,40})", re.IGNORECASE)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# Not every codec that Python has: some of them are not texts, or slow on purpose-made input.
_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "latin1": "cp1252",
    "iso-8859-1": "cp1252",
    "iso-8859-9": "cp1254",
    **{f"iso-8859-{part}": f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    **{f"windows-{page}": f"cp{page}" for page in range(1250, 1259)},
    **{name: name for name in ("koi8-r", "koi8-u", "big5", "euc-jp", "iso-2022-jp", "euc-kr", "utf-16le")},
    "windows-874": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "ks_c_5601-1987": "euc-kr",
}

_LONGEST_TAG = 8192
_LONGEST_VALUE = 4000  # letters; `unescape` raises on a number of more than 4300 digits
_LONGEST_TITLE = 300
_LONGEST_DESCRIPTION = 1000
_LOOKED_AT = 4096

_TITLE = ("og:title", "twitter:title", "<title>")
_DESCRIPTION = ("og:description", "twitter:description", "description")
_IMAGE = (
    "og:image:secure_url",
    "og:image",
    "og:image:url",
    "twitter:image",
    "twitter:image:src",
    "image_src",
)


class Webpage(msgspec.Struct, frozen=True):
    """What a page says, "" where it says nothing; `image` and `canonical` are http or https URLs.

    `canonical` is the page's own URL unless it names another one on the same host.
    """

    title: str
    description: str
    image: str
    canonical: str


def read_webpage(body: bytes, charset: str, url: str) -> Webpage:
    """What the page at `url` says; `charset` is what the server said, "" for nothing. Never raises."""
    said = _said(_decoded(body, charset))
    base = _absolute(said.get("<base>", ""), url) or url
    canonical = next(
        filter(None, (_absolute(said.get(key, ""), base) for key in ("canonical", "og:url"))), url
    )
    return Webpage(
        title=_first(said, _TITLE)[:_LONGEST_TITLE],
        description=_first(said, _DESCRIPTION)[:_LONGEST_DESCRIPTION],
        image=_absolute(_first(said, _IMAGE), base),
        canonical=canonical if URL(canonical).raw_host == URL(url).raw_host else url,
    )


def _decoded(body: bytes, charset: str) -> str:
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return body.decode(codec, "replace")
    if charset not in _CODECS:
        found = _META_CHARSET.search(body[:_LOOKED_AT])
        charset = found[1].decode("ascii", "replace").lower() if found else ""
    return body.decode(_CODECS.get(charset, "utf-8"), "replace")


def _said(text: str) -> dict[str, str]:
    """By name of the meta tag or relation of the link; the first that is not empty counts."""
    said: dict[str, str] = {}
    title: str | None = None  # only the first one is looked for: its end may be far
    at = 0
    while opening := _OPENING.search(text, at):
        comment, skipped, name = opening.groups()
        at = opening.end()
        if comment:
            at = text.find("-->", at)
        elif skipped:
            closing = _CLOSING[skipped.lower()].search(text, at)
            at = closing.end() if closing else -1
        else:
            attributes, at = _attributes(text, at)
            for key, value in _meaning(name.lower(), attributes):
                if value:
                    said.setdefault(key, value)
            if name.lower() == "title" and title is None:
                title = _title(text, at)
        if at < 0:
            break
    return said | ({"<title>": title} if title else {})


def _attributes(text: str, at: int) -> tuple[dict[str, str], int]:
    found: dict[str, str] = {}
    end = min(len(text), at + _LONGEST_TAG)
    while at < end and (attribute := _ATTRIBUTE.match(text, at, end)):
        name, *values = attribute.groups()
        found.setdefault(name.lower(), _clean(next(filter(None, values), "")))
        at = attribute.end()
    return found, at


def _meaning(name: str, attributes: dict[str, str]) -> list[tuple[str, str]]:
    match name:
        case "meta":
            key = attributes.get("property") or attributes.get("name", "")
            return [(key.lower(), attributes.get("content", ""))]
        case "link":
            return [(kind, attributes.get("href", "")) for kind in attributes.get("rel", "").lower().split()]
        case "base":
            return [("<base>", attributes.get("href", ""))]
        case _:
            return []


def _title(text: str, at: int) -> str:
    end = _CLOSING["title"].search(text, at, at + _LONGEST_VALUE)
    begin = text.find(">", at, at + _LONGEST_VALUE)
    return _clean(text[begin + 1 : end.start()]) if end and begin >= 0 else ""


def _clean(text: str) -> str:
    return _SPACE.sub(" ", unescape(text[:_LONGEST_VALUE])).strip()


def _first(said: dict[str, str], keys: tuple[str, ...]) -> str:
    return next((said[key] for key in keys if key in said), "")


def _absolute(place: str, base: str) -> str:
    if not place:
        return ""
    try:
        url = URL(base).join(URL(place))
    except ValueError:
        return ""
    return str(url) if url.scheme in ("http", "https") and url.raw_host else ""
