import pytest
import structlog

from wagateway.whatsapp.protos import bare_neonize

bare_neonize()

from neonize.proto.Neonize_pb2 import LogEntry  # type: ignore[import-untyped, unused-ignore]  # noqa: E402

from workers import neonize_log  # noqa: E402
from workers.neonize_log import Lines, fit  # noqa: E402

PROXY = "http://user:pass%20word@proxy.example:8080"


def entry(text: str, level: str = "WARN") -> bytes:
    return LogEntry(Message=text, Level=level, Name="Client").SerializeToString()  # type: ignore[no-any-return]


def logged(*entries: tuple[float, bytes]) -> list[tuple[str, str, int]]:
    """Level, text and number of those left out of each line that comes of entries at such times."""
    times = iter([at for at, _ in entries])
    lines = Lines("", lambda: next(times))
    with structlog.testing.capture_logs() as captured:
        for _, raw in entries:
            lines.write(raw)
    return [(one["log_level"], one["text"], one.get("left_out", 0)) for one in captured]


def test_the_password_of_a_proxy_is_never_logged() -> None:
    for text in (
        f'parse "{PROXY}": invalid port',
        "proxyconnect http://user:pass@word@proxy.example",
        "dial http://user:other@proxy.example:8080/",
    ):
        assert "pass" not in fit(text, PROXY).replace("parse", "")
        assert "other" not in fit(text, PROXY)


def test_without_a_proxy_a_text_is_only_cut() -> None:
    assert "a//b@c" == fit("a//b@c", "")
    assert 500 == len(fit("x" * 600, PROXY))


def test_the_same_text_is_logged_once_in_ten_seconds_with_how_many_were_left_out() -> None:
    full = entry("Handler queue is full")
    assert [("warning", "Handler queue is full", 0), ("warning", "Handler queue is full", 3)] == logged(
        (0.0, full), (1.0, full), (5.0, full), (9.9, full), (10.0, full), (11.0, full)
    )


def test_other_texts_are_logged_meanwhile() -> None:
    lines = logged((0.0, entry("a")), (0.0, entry("b", "ERROR")), (0.0, entry("a")), (0.0, entry("c")))
    assert [("warning", "a", 0), ("error", "b", 0), ("warning", "c", 0)] == lines


def test_many_texts_are_not_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neonize_log, "_MOST_TEXTS", 2)
    texts = [text for _, text, _ in logged(*((0.0, entry(text)) for text in "abca"))]
    assert ["a", "b", "c", "a"] == texts
