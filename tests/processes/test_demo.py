"""`make demo` does what it promises."""

import os
import subprocess
import sys
from pathlib import Path

from tests.harness import free_port


def test_the_demo_ends_with_its_counts(tmp_path: Path) -> None:
    chosen = {"DEMO_ONCE": "1", "DEMO_PORT": str(free_port()), "DEMO_FOLDER": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-m", "wagateway.sandbox.demo"],
        env={**os.environ, **chosen},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert 0 == ended.returncode, ended.stdout + ended.stderr
    assert "demo: 2 devices, 3 sent, 3 received, 3 webhooks" == ended.stdout.splitlines()[-1]
