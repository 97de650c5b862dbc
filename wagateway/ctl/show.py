"""What wagatewayctl prints: JSON for machines, aligned columns and short figures for people."""

import sys
import time
from collections.abc import Sequence

import msgspec


def as_json(reply: object) -> None:
    """One line of JSON on stdout."""
    line(msgspec.json.encode(reply).decode())


def line(text: str = "") -> None:
    """One line on stdout, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """One line on stderr, beside what a script reads."""
    sys.stderr.write(f"wagatewayctl: {plain(text)}\n")
    sys.stderr.flush()


def columns(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[str] = frozenset()
) -> None:
    """A table without a frame; the columns named in `right` are aligned to the right."""
    table = [list(head), *([plain(cell) or "-" for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in table) for place in range(len(head))]
    for row in table:
        cells = [
            cell.rjust(width) if name in right else cell.ljust(width)
            for cell, width, name in zip(row, widths, head, strict=True)
        ]
        line("  ".join(cells).rstrip())


def facts(struct: msgspec.Struct) -> None:
    """The fields of a reply that say something, one a line."""
    values = {name: getattr(struct, name) for name in struct.__struct_fields__}
    shown = {name: value for name, value in values.items() if value not in ("", None, [], {})}
    width = max((len(name) + 2 for name in shown), default=0)
    for name, value in shown.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        line(f"{name + ':':{max(16, width)}}{plain(text)}")


def plain(text: str) -> str:
    """Without control characters: a name that a stranger chose must not move the cursor."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def size(octets: int) -> str:
    """Bytes as people read them: 18.2 MB."""
    return f"{octets / 1e6:.1f} MB" if octets else ""


def age(since: float, now: float | None = None) -> str:
    """How long ago a moment in Unix seconds was: 3d 4h, 12m 5s."""
    if not since:
        return ""
    seconds = max(0, int((time.time() if now is None else now) - since))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    parts = [(days, "d"), (hours % 24, "h"), (minutes % 60, "m"), (seconds % 60, "s")]
    while len(parts) > 1 and parts[0][0] == 0:
        parts.pop(0)
    return " ".join(f"{number}{unit}" for number, unit in parts[:2])
