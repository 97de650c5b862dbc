"""The rows of a benchmark run, as a table for people and as JSON for machines."""

from pathlib import Path

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One figure against its own yardstick of the same run; `ratio` is value / yardstick."""

    name: str
    value: float
    unit: str
    yardstick: float | None
    ratio: float | None
    target: str
    ok: bool


def at_most(name: str, value: float, unit: str, limit: float) -> Row:
    """A figure that must not pass an absolute limit."""
    return _limited(name, value, unit, limit, "<=", ok=value <= limit)


def at_least(name: str, value: float, unit: str, limit: float) -> Row:
    """A figure that must not stay below an absolute limit."""
    return _limited(name, value, unit, limit, ">=", ok=value >= limit)


def _limited(name: str, value: float, unit: str, limit: float, sign: str, *, ok: bool) -> Row:
    target = f"{sign} {limit:g} {unit}"
    return Row(name=name, value=value, unit=unit, yardstick=limit, ratio=value / limit, target=target, ok=ok)


def told(name: str, value: float, unit: str) -> Row:
    """A figure that explains another."""
    return Row(name=name, value=value, unit=unit, yardstick=None, ratio=None, target="", ok=True)


def compared(
    name: str, value: float, unit: str, yardstick: float, *, most: float = 0, least: float = 0
) -> Row:
    """A figure against what was measured beside it: ratio at most `most`, or at least `least`."""
    ratio = value / yardstick
    target = f"<= {most:g}x" if most else f">= {least:g}x"
    return Row(
        name=name,
        value=value,
        unit=unit,
        yardstick=yardstick,
        ratio=ratio,
        target=target,
        ok=ratio <= most if most else ratio >= least,
    )


def show(row: Row) -> str:
    """One line of the table."""
    beside = f"{row.yardstick:>10.2f}" if row.yardstick is not None else " " * 10
    ratio = f"{row.ratio:>7.2f}" if row.ratio is not None else " " * 7
    verdict = "ok" if row.ok else "MISSED"
    return f"{row.name:<58} {row.value:>10.2f} {row.unit:<7} {beside} {ratio}  {row.target:<14} {verdict}"


HEADER = f"{'what':<58} {'value':>10} {'unit':<7} {'yardstick':>10} {'ratio':>7}  {'target':<14}"


def write(rows: list[Row], path: Path) -> None:
    """The list of rows as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(rows)))
