from pathlib import Path

import pytest

from workers import lease


def test_a_lease_is_held_once(tmp_path: Path) -> None:
    lease.take(tmp_path)

    with pytest.raises(lease.Held):
        lease.take(tmp_path)
