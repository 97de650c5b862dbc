"""How text is cut into the words that a search compares: without case, accents and punctuation."""

import re
import unicodedata

# Marks that only vary a letter. The vowel signs of Indian scripts are none: they are letters of their words.
_DROPPED = re.compile(
    "[\u00ad\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8"
    "\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u2060\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\ufeff"
    "\U0001f3fb-\U0001f3ff]+"
)

# Scripts that are written without spaces, and symbols such as emoji: each character counts as a word.
_SINGLE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2190-\u2bff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3041-\u3096"
    "\u3099\u309a\u309d-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U0001b000-\U0001b16f\U0001f000-\U0001faff\U00020000-\U0003ffff"
)
_SIGNS = (
    "\u0700-\u074f\u0780-\u07ff\u0900-\u0963\u0966-\u0df3\u0f18-\u0f3f\u0f40-\u0fbc\u1700-\u1734\u1740-\u177f"
    "\u1810-\u1c3a\u1c40-\u1c7d\u1cd0-\u1cff\ua800-\ua827\ua840-\ua873\ua880-\ua8c5\ua8d0-\ua8f7\ua8fb-\ua92d"
    "\ua930-\ua953\ua980-\ua9c0\ua9cf-\uaa5b\uaa60-\uaadd\uaae0-\uaaef\uaaf2-\uaaf6\uab01-\uabea"
    "\uabec-\uabf9\U00011000-\U00011046\U00011066-\U000110ba"
)
_PIECES = re.compile(f"[{_SINGLE}]|(?:(?![{_SINGLE}])(?:[^\\W_]|[{_SIGNS}]))+")
_RUNS = re.compile(f"[{_SINGLE}]+|(?:(?![{_SINGLE}])(?:[^\\W_]|[{_SIGNS}]))+")
_ALONE = re.compile(f"[{_SINGLE}]")


def searchable(text: str) -> str | None:
    """The words of a text with a space between them; None for ASCII, which SQLite cuts just so by itself."""
    if text.isascii():
        return None
    return " ".join(_PIECES.findall(_fold(text)))


def phrases(search: str) -> list[str]:
    """What a search asks for, as phrases of FTS5 that must all match; empty when it has no word.

    A word asks for all that begin so; a run of characters without spaces between words asks for itself.
    """
    runs = dict.fromkeys(_RUNS.findall(_fold(search)))
    return [
        f'"{" ".join(run)}"' if _ALONE.match(run) else f'"{run}" *'
        for run in runs
        # "a" asks for nothing that "apple" does not.
        if not any(other != run and other.startswith(run) for other in runs)
    ]


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", _DROPPED.sub("", decomposed))
