"""URLs as they may be shown: without what opens the door behind them."""

from urllib.parse import urlsplit

HIDDEN = "***"
"""Stands for a secret wherever one is shown."""


def shown(url: str) -> str:
    """The URL with `***` for the password, for a user without one (a token), and for all the query says."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN  # whatever it is, a part of it may be a secret
    userinfo, at, host = parts.netloc.rpartition("@")
    if at:
        user, colon, _ = userinfo.partition(":")
        userinfo = f"{user}:{HIDDEN}" if colon else HIDDEN
    return parts._replace(
        netloc=f"{userinfo}{at}{host}",
        query="&".join(_without_value(pair) for pair in parts.query.split("&") if pair),
        fragment=HIDDEN if parts.fragment else "",
    ).geturl()


def _without_value(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}={HIDDEN}" if equals else HIDDEN
