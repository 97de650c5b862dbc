"""What must be free and ours before anything starts."""

import socket
from pathlib import Path

import pytest

from supervisor import claims
from wagateway.settings import Refused, Secret, Settings


def test_folders_are_made_and_closed_to_others(tmp_path: Path) -> None:
    settings = Settings(storage=tmp_path / "a" / "b", runtime=tmp_path / "run")
    storage = claims.storage_folder(settings)
    runtime = claims.runtime_folder(settings, storage)
    assert [0o700, 0o700] == [folder.stat().st_mode & 0o777 for folder in (storage, runtime)]
    assert storage.is_absolute()


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    monkeypatch.setattr("os.getuid", lambda: 12345)
    with pytest.raises(Refused, match="somebody else"):
        claims.storage_folder(Settings(storage=folder))
    with pytest.raises(Refused, match="--runtime"):
        claims.runtime_folder(Settings(runtime=folder), tmp_path)


def test_a_folder_that_cannot_be_made_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match=r"file/sub: Not a directory"):
        claims.storage_folder(Settings(storage=tmp_path / "file" / "sub"))


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="too long"):
        claims.runtime_folder(Settings(runtime=tmp_path / ("x" * 100)), tmp_path)


def test_a_second_supervisor_is_refused(tmp_path: Path) -> None:
    with claims.alone(tmp_path), pytest.raises(Refused, match="another wagateway"), claims.alone(tmp_path):
        pass
    with claims.alone(tmp_path):
        pass


def test_a_port_in_use_is_refused_with_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Refused, match=f"127.0.0.1 port {port}: Address already in use"):
            claims.listener(Settings(port=port))


def test_a_host_that_is_not_there_is_refused() -> None:
    settings = Settings(host="192.0.2.1", port=0, basic_auth=[Secret("a:b")])
    with pytest.raises(Refused, match=r"192\.0\.2\.1 port 0: Cannot assign"):
        claims.listener(settings)


def test_the_signing_key_is_made_once_and_private(tmp_path: Path) -> None:
    settings = Settings(storage=tmp_path)
    first = claims.webhook_secret(settings)
    assert first.startswith("whsec_")
    assert 50 == len(first)
    assert first == claims.webhook_secret(settings)
    assert 0o600 == (tmp_path / "webhook.secret").stat().st_mode & 0o777


def test_a_configured_signing_key_wins(tmp_path: Path) -> None:
    settings = Settings(storage=tmp_path, webhook_secret=Secret("mine"))
    assert "mine" == claims.webhook_secret(settings)
    assert [] == list(tmp_path.iterdir())


def test_the_key_of_links_is_made_once_private_and_shows_itself_to_nobody(tmp_path: Path) -> None:
    settings = Settings(storage=tmp_path)
    first = claims.link_key(settings)
    assert (32, "***") == (len(bytes.fromhex(first.value)), repr(first))
    assert first == claims.link_key(settings)
    assert 0o600 == (tmp_path / "link.key").stat().st_mode & 0o777
