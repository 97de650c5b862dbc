from pathlib import Path

import pytest

from wagateway.spec import SandboxNetwork
from workers.trust import Untrusted, trust

KEY = "11" * 32


@pytest.mark.parametrize("proxy", ["http://192.0.2.1:8080", "http://localhost.example:1", "nonsense"])
def test_only_a_network_on_loopback_is_trusted(proxy: str) -> None:
    with pytest.raises(Untrusted, match="not on this machine"):
        trust(SandboxNetwork(proxy, KEY, ""), Path("/nowhere"))


def test_a_library_without_the_key_is_left_alone() -> None:
    with pytest.raises(Untrusted, match="0 times"):
        trust(SandboxNetwork("http://127.0.0.1:1", KEY, ""), Path("/nowhere"))


def test_a_short_key_is_refused() -> None:
    with pytest.raises(Untrusted, match="32 bytes"):
        trust(SandboxNetwork("http://127.0.0.1:1", "11", ""), Path("/nowhere"))
