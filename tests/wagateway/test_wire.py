"""Frames and addresses: what is packed comes back, what is garbage is called so."""

from pathlib import Path

import pytest

from wagateway import spec, wire
from wagateway.commands.internal import Hook
from wagateway.settings import Secret, Settings
from wagateway.wire import Malformed, Reply, Request, groups


def test_a_request_comes_back_as_it_was() -> None:
    request = Request(2**64 - 1, 12.5, "SendMessage", b"\x80")
    assert request == wire.unpack_request(wire.pack_request(request))


def test_a_reply_comes_back_as_it_was() -> None:
    reply = Reply(7, 503, 30, b"{}")
    assert reply == wire.unpack_reply(wire.pack_reply(reply))


@pytest.mark.parametrize("frame", [b"", b"x", b"x" * 13, b"x" * 16 + b"\x02\xff\xff"])
def test_garbage_is_no_request(frame: bytes) -> None:
    with pytest.raises(Malformed):
        wire.unpack_request(frame)


def test_a_batch_comes_back_as_it_was() -> None:
    frames = [b"", b"one", b"x" * 70_000]
    assert frames == wire.unpack_batch(wire.pack_batch(frames))


@pytest.mark.parametrize("batch", [b"x", b"\0\0\0\x02x", b"\xff\xff\xff\xff"])
def test_garbage_is_no_batch(batch: bytes) -> None:
    with pytest.raises(Malformed):
        wire.unpack_batch(batch)


@pytest.mark.parametrize("frame", [b"", b"x" * 13])
def test_garbage_is_no_reply(frame: bytes) -> None:
    with pytest.raises(Malformed):
        wire.unpack_reply(frame)


@pytest.mark.parametrize("device_id", ["a", "../../etc", "x" * 300, "\N{PILE OF POO}", "a/b\0c"])
def test_any_device_id_makes_a_short_safe_file_name(device_id: str) -> None:
    key = wire.device_key(device_id)
    assert 16 == len(key)
    assert key.isalnum()


def test_the_longest_address_fits_an_ipc_path() -> None:
    runtime = wire.runtime_folder(None, Path("/var/lib/wagateway"))
    address = wire.worker_socket(Path("/run/user/4294967295") / runtime.name, "x" * 128)
    assert 107 > len(address.removeprefix("ipc://"))


def test_the_runtime_folder_is_as_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/other")
    assert Path("/x") == wire.runtime_folder(Path("/x"), Path("storages"))


def test_the_runtime_folder_is_the_first_of_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/wagateway:/run/more")
    assert Path("/run/wagateway") == wire.runtime_folder(None, Path("storages"))


def test_the_runtime_folder_follows_from_the_storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    monkeypatch.chdir(tmp_path)
    found = wire.runtime_folder(None, Path("storages"))
    assert Path("/run/user/7") == found.parent
    assert found == wire.runtime_folder(None, tmp_path / "storages")
    assert found != wire.runtime_folder(None, tmp_path / "others")


def test_a_spec_arrives_as_it_was_sent() -> None:
    settings = Settings(runtime=Path("/run/x"), webhook_secret=Secret("s"), basic_auth=[Secret("a:b")])
    worker = spec.WorkerSpec(
        device_id="shop",
        token="t",
        settings=settings,
        runtime=Path("/run/x"),
        life=3,
        log=4,
        connect=True,
        hooks=[Hook(id="crm", url="https://crm.example/hook", secret="s", headers={"A": "b"})],
        death=spec.Death(reason="SIGKILL", at=1.5, restarts=2),
        sandbox=spec.SandboxNetwork(proxy="http://127.0.0.1:1", root_key="00", ca="/x"),
    )
    key = Secret("ff" * 32)
    front = spec.FrontSpec(settings, Path("/run/x"), life=3, log=4, listener=5, ready=6, link_key=key)
    assert worker == spec.decode_worker(spec.encode(worker))
    assert front == spec.decode_front(spec.encode(front))


def test_frames_are_sent_together_as_far_as_a_batch_goes() -> None:
    large, small = bytes(900_000), bytes(200_000)
    assert [[large], [small, small, small, small, small], [small]] == list(groups([large, *[small] * 6]))
    assert [[bytes(5_000_000)]] == list(groups([bytes(5_000_000)]))
    assert [] == list(groups([]))
