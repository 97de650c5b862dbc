"""WhatsApp's protobuf messages, taken from neonize without loading its Go library."""
# The imports below work only once the bare module is in place, so they cannot come first.
# ruff: noqa: E402

import sys
from importlib.util import find_spec
from types import ModuleType


def bare_neonize() -> None:
    """Make `neonize.proto` importable without running `neonize/__init__.py`; does nothing the second time.

    That file loads an 18 MB Go library, whose runtime no process but a device's own should start.
    """
    if "neonize" in sys.modules:
        return
    spec = find_spec("neonize")
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("neonize is not installed")
    bare = ModuleType("neonize", "A bare package: its modules can be imported, nothing of it has run.")
    bare.__path__ = list(spec.submodule_search_locations)
    sys.modules["neonize"] = bare


bare_neonize()

# mypy cannot see into neonize, which ships stubs but no py.typed.
from neonize.proto.waAdv import WAAdv_pb2 as Adv  # type: ignore[import-untyped, unused-ignore]
from neonize.proto.waCert import WACert_pb2 as Cert  # type: ignore[import-untyped, unused-ignore]
from neonize.proto.waCommon import WACommon_pb2 as Common  # type: ignore[import-untyped, unused-ignore]
from neonize.proto.waCompanionReg import (  # type: ignore[import-untyped, unused-ignore]
    WAWebProtobufsCompanionReg_pb2 as CompanionReg,
)
from neonize.proto.waE2E import (  # type: ignore[import-untyped, unused-ignore]
    WAWebProtobufsE2E_pb2 as E2E,
)
from neonize.proto.waHistorySync import (  # type: ignore[import-untyped, unused-ignore]
    WAWebProtobufsHistorySync_pb2 as HistorySync,
)
from neonize.proto.waLidMigrationSyncPayload import (  # type: ignore[import-untyped, unused-ignore]
    WAWebProtobufLidMigrationSyncPayload_pb2 as LidMigration,
)
from neonize.proto.waMsgTransport import (  # type: ignore[import-untyped, unused-ignore]
    WAMsgTransport_pb2 as MsgTransport,
)
from neonize.proto.waServerSync import (  # type: ignore[import-untyped, unused-ignore]
    WAWebProtobufsServerSync_pb2 as ServerSync,
)
from neonize.proto.waSyncAction import (  # type: ignore[import-untyped, unused-ignore]
    WAWebProtobufSyncAction_pb2 as SyncAction,
)
from neonize.proto.waVnameCert import (  # type: ignore[import-untyped, unused-ignore]
    WAWebProtobufsVnameCert_pb2 as VnameCert,
)
from neonize.proto.waWa6 import (  # type: ignore[import-untyped, unused-ignore]
    WAWebProtobufsWa6_pb2 as WA6,
)
from neonize.proto.waWeb import (  # type: ignore[import-untyped, unused-ignore]
    WAWebProtobufsWeb_pb2 as Web,
)

__all__ = [
    "E2E",
    "WA6",
    "Adv",
    "Cert",
    "Common",
    "CompanionReg",
    "HistorySync",
    "LidMigration",
    "MsgTransport",
    "ServerSync",
    "SyncAction",
    "VnameCert",
    "Web",
    "bare_neonize",
]
