"""App state: the settings and contacts that a phone shares with its linked devices, as signed patches."""

import hmac
import json
import secrets
import struct
from typing import Literal

import msgspec
from google.protobuf.message import DecodeError

from wagateway.whatsapp.cbc import cbc_decrypt, cbc_encrypt
from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.keys import hkdf
from wagateway.whatsapp.protos import ServerSync, SyncAction

_SUMS = struct.Struct("<64H")
_MAC_SIZE = 32
_OPERATIONS: tuple[Literal["set", "remove"], ...] = ("set", "remove")


class SyncKey(msgspec.Struct, frozen=True):
    """A key that the phone shared for app state; `key_data` is 32 bytes."""

    key_id: bytes
    key_data: bytes


class Collection(msgspec.Struct, frozen=True):
    """One collection at one version: its 128-byte hash, and each entry's value MAC by its index MAC."""

    name: str
    version: int = 0
    hash: bytes = bytes(_SUMS.size)
    value_macs: dict[bytes, bytes] = {}


class Mutation(msgspec.Struct, frozen=True):
    """One change: `value` is a `SyncActionValue`, `version` that of its action."""

    index: list[str]
    value: SyncAction.SyncActionValue
    operation: Literal["set", "remove"] = "set"
    version: int = 1


class _Keys:
    def __init__(self, key: SyncKey) -> None:
        self.id = key.key_id
        keys = hkdf(key.key_data, 160, info=b"WhatsApp Mutation Keys")
        self.index, self.value, self.value_mac, self.snapshot, self.patch = (
            keys[start : start + 32] for start in range(0, 160, 32)
        )


def build_patch(
    state: Collection, key: SyncKey, mutations: list[Mutation]
) -> tuple[ServerSync.SyncdPatch, Collection]:
    """The patch that applies `mutations` to `state`, with its version, and the collection after it."""
    keys = _Keys(key)
    patch = ServerSync.SyncdPatch()
    patch.version.version = state.version + 1
    patch.keyID.ID = key.key_id
    for mutation in mutations:
        _write_mutation(patch.mutations.add(), keys, mutation)
    after = _apply(state, patch)
    patch.snapshotMAC = _snapshot_mac(keys, after)
    patch.patchMAC = _patch_mac(keys, after, patch)
    return patch, after


def decode_patch(
    state: Collection, key: SyncKey, patch: ServerSync.SyncdPatch
) -> tuple[list[Mutation], Collection]:
    """The mutations of the patch that follows `state`, and the collection after it.

    A patch that a device sends has no version yet. `ProtocolError` when any MAC, the key or the version
    does not fit.
    """
    keys = _Keys(key)
    if patch.HasField("version") and patch.version.version != state.version + 1:
        raise ProtocolError("a patch does not follow the collection's version")
    if patch.keyID.ID != key.key_id:
        raise ProtocolError("a patch was made with another key")
    mutations = [_read_mutation(mutation, keys) for mutation in patch.mutations]
    after = _apply(state, patch)
    if not hmac.compare_digest(_snapshot_mac(keys, after), patch.snapshotMAC):
        raise ProtocolError("a patch does not lead to the state it claims")
    if not hmac.compare_digest(_patch_mac(keys, after, patch), patch.patchMAC):
        raise ProtocolError("a patch's MAC does not fit")
    return mutations, after


def _write_mutation(entry: ServerSync.SyncdMutation, keys: _Keys, mutation: Mutation) -> None:
    index = json.dumps(mutation.index, ensure_ascii=False, separators=(",", ":")).encode()
    action = SyncAction.SyncActionData(
        index=index, value=mutation.value, padding=b"", version=mutation.version
    )
    iv = secrets.token_bytes(16)
    content = iv + cbc_encrypt(keys.value, iv, action.SerializeToString())
    entry.operation = _OPERATIONS.index(mutation.operation)
    entry.record.index.blob = hmac.digest(keys.index, index, "sha256")
    entry.record.value.blob = content + _value_mac(keys, entry.operation, content)
    entry.record.keyID.ID = keys.id


def _read_mutation(entry: ServerSync.SyncdMutation, keys: _Keys) -> Mutation:
    if entry.record.keyID.ID != keys.id:
        raise ProtocolError("a mutation was made with another key")
    blob = entry.record.value.blob
    content, mac = blob[:-_MAC_SIZE], blob[-_MAC_SIZE:]
    if not hmac.compare_digest(_value_mac(keys, entry.operation, content), mac):
        raise ProtocolError("a mutation's MAC does not fit")
    if len(content) < 32:
        raise ProtocolError("a mutation has no value")
    plaintext = cbc_decrypt(keys.value, content[:16], content[16:])
    try:
        action = SyncAction.SyncActionData.FromString(plaintext)
        index = msgspec.json.decode(action.index, type=list[str])
    except (DecodeError, msgspec.DecodeError) as error:
        raise ProtocolError("a mutation is not readable") from error
    if not hmac.compare_digest(hmac.digest(keys.index, action.index, "sha256"), entry.record.index.blob):
        raise ProtocolError("a mutation's index does not fit")
    return Mutation(index, action.value, _OPERATIONS[entry.operation], action.version)


def _apply(state: Collection, patch: ServerSync.SyncdPatch) -> Collection:
    sums = list(_SUMS.unpack(state.hash))
    value_macs = dict(state.value_macs)
    for entry in patch.mutations:
        index = entry.record.index.blob
        replaced = value_macs.pop(index, None)
        if replaced is not None:
            _add(sums, replaced, -1)
        if entry.operation == ServerSync.SyncdMutation.SET:
            value_macs[index] = entry.record.value.blob[-_MAC_SIZE:]
            _add(sums, value_macs[index], 1)
    return Collection(state.name, state.version + 1, _SUMS.pack(*sums), value_macs)


def _add(sums: list[int], value_mac: bytes, sign: int) -> None:
    for position, term in enumerate(_SUMS.unpack(hkdf(value_mac, 128, info=b"WhatsApp Patch Integrity"))):
        sums[position] = (sums[position] + sign * term) & 0xFFFF


def _value_mac(keys: _Keys, operation: int, content: bytes) -> bytes:
    data = bytes([operation + 1]) + keys.id + content + struct.pack(">Q", len(keys.id) + 1)
    return hmac.digest(keys.value_mac, data, "sha512")[:_MAC_SIZE]


def _snapshot_mac(keys: _Keys, state: Collection) -> bytes:
    data = state.hash + struct.pack(">Q", state.version) + state.name.encode()
    return hmac.digest(keys.snapshot, data, "sha256")


def _patch_mac(keys: _Keys, after: Collection, patch: ServerSync.SyncdPatch) -> bytes:
    value_macs = b"".join(entry.record.value.blob[-_MAC_SIZE:] for entry in patch.mutations)
    data = patch.snapshotMAC + value_macs + struct.pack(">Q", after.version) + after.name.encode()
    return hmac.digest(keys.patch, data, "sha256")
