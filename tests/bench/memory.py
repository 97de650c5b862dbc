"""Memory of a process from the kernel's own accounts."""

import re
from pathlib import Path


def pss(pid: int) -> float:
    """Proportional set size in MB."""
    return _field(Path(f"/proc/{pid}/smaps_rollup"), "Pss")


def rss(pid: int) -> float:
    """Resident set size in MB."""
    return _field(Path(f"/proc/{pid}/status"), "VmRSS")


def _field(path: Path, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB", path.read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024
