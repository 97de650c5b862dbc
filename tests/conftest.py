"""What holds for all tests."""

import pytest


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name a test after its bytes' argument: bytes may differ from one collection to the next."""
    return argname if isinstance(val, bytes) else None
