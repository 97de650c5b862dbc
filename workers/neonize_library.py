"""neonize's shared library: found and checked by the zygote, loaded by each worker for itself."""

import functools
import hashlib
import os
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import msgspec

from wagateway.whatsapp.protos import bare_neonize

if TYPE_CHECKING:
    import ctypes

KNOWN_BUILD = "56b0636515068e8f8383e5448b6cfd2516ea923fa6c68ce4a2e516da96ec405d"
"""SHA-256 of the library in the wheel of neonize 0.5.2, the build that all our knowledge is about."""


class Library(msgspec.Struct, frozen=True):
    """The installed library: where it is and which build it is."""

    path: Path
    build: str

    @property
    def known(self) -> bool:
        """Whether this is the build that our work-arounds were made for."""
        return self.build == KNOWN_BUILD


@functools.cache
def installed() -> Library:
    """The library of the installed package; hashing it takes 20 ms, which the zygote spends for everybody."""
    bare_neonize()
    folder = Path(sys.modules["neonize"].__path__[0])
    found = sorted(folder.glob(f"neonize-linux-{_architecture()}.so"))
    if not found:
        raise ModuleNotFoundError(f"no neonize library for this machine in {folder}")
    with found[0].open("rb") as file:
        return Library(found[0], hashlib.file_digest(file, "sha256").hexdigest())


def _architecture() -> str:
    machine = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def prepare() -> None:
    """Import what neonize's binder needs, except the library: Go's runtime does not survive a fork.

    The binder wants two modules that import much and do nothing here: one that downloads a missing library
    from GitHub (we never load what pip did not install) and the helpers of neonize's own client, whose
    package imports requests, PIL, phonenumbers and more (10 MB). Empty ones take their place.
    """
    library = installed()
    download = ModuleType("neonize.download", "Nothing is downloaded: the library comes with the wheel.")
    download.__dict__["__GONEONIZE_VERSION__"] = version("neonize")
    download.__dict__["download"] = _refuse_download
    helpers = ModuleType("neonize.utils", "A bare package: only what the binder asks of it is imported.")
    helpers.__path__ = [str(library.path.parent / "utils")]
    sys.modules.setdefault("neonize.download", download)
    sys.modules.setdefault("neonize.utils", helpers)

    import_module("neonize.proto.Neonize_pb2")  # 0.05 s that no worker should spend
    # The original runs `uname -a` in a shell, twice.
    import_module("neonize.utils.platform").__dict__["generated_name"] = lambda *_: str(library.path)


def _refuse_download() -> None:
    raise RuntimeError("the neonize library that is installed has another version than its package")


def load() -> "ctypes.CDLL":
    """Load the library into this process, once and for good; its functions know their C types."""
    prepare()
    from neonize._binder import gocode

    return gocode  # type: ignore[no-any-return]
