import pytest

from wagateway.whatsapp.appstate import Collection, Mutation, SyncKey, build_patch, decode_patch
from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.protos import ServerSync, SyncAction

KEY = SyncKey(b"\0\0\0\0\x01\x02", bytes(range(32)))
EMPTY = Collection("critical_block")


# Made by whatsmeow with KEY for the first version of `regular_high`.
FROM_WHATSMEOW = bytes.fromhex(
    "12a701080012a2010a220a209e5c3fcf3451add69409888341a64d1af1f9728f48762e08baf44d178b04048512720a70"
    "e633f58fc2ba2ad090be1e5468aff9e958fa9d432b4422f9b6eefe339afd41770a89569688b4cdd319fd8aeaa2224366"
    "4ee930f893d6d88556fbc0203a93509201bc6f0f21c3683f8ff3d56859f4621ae0660a4d2d0a818c5ca7f8495b727310"
    "733de34da6d011d8fbd1ed5d8013f3791a080a060000000001022220aece7f176cd54cc67f93ddb60f2269c7fa56878c"
    "775f79270f8ec2753b73200a2a20d8d888db227ceb8ca5e33f00d63f0143759246fec3ae95cb04915f1d35c5a4bc3208"
    "0a06000000000102"
)


def push_name(name):
    value = SyncAction.SyncActionValue(timestamp=1)
    value.pushNameSetting.name = name
    return Mutation(["setting_pushName"], value)


def contact(user, operation="set"):
    value = SyncAction.SyncActionValue(timestamp=1)
    value.contactAction.fullName = f"Contact {user}"
    return Mutation(["contact", f"{user}@s.whatsapp.net"], value, operation, 2)


def test_mutations_and_state_are_the_same_at_both_ends():
    mutations = [push_name("Zoë"), contact(1), contact(2)]
    patch, built = build_patch(EMPTY, KEY, mutations)
    wire = ServerSync.SyncdPatch.FromString(patch.SerializeToString())
    decoded, seen = decode_patch(EMPTY, KEY, wire)
    assert mutations == decoded
    assert built == seen
    assert (1, 3) == (seen.version, len(seen.value_macs))


def test_replacing_and_removing_entries_leads_to_the_same_state():
    state = Collection("critical_unblock_low")
    seen = state
    for mutations in (
        [contact(1), contact(2)],
        [contact(1)],
        [contact(1, "remove"), contact(3)],
        [contact(9, "remove")],
    ):
        patch, state = build_patch(state, KEY, mutations)
        decoded, seen = decode_patch(seen, KEY, patch)
        assert mutations == decoded
        assert state == seen
    assert 2 == len(seen.value_macs)


def test_removing_everything_leads_back_to_the_empty_hash():
    _, state = build_patch(EMPTY, KEY, [contact(1), contact(2)])
    _, state = build_patch(state, KEY, [contact(2, "remove"), contact(1, "remove")])
    assert EMPTY.hash == state.hash


def test_a_patch_without_version_follows_the_state():
    patch, built = build_patch(EMPTY, KEY, [push_name("a")])
    patch.ClearField("version")
    assert built == decode_patch(EMPTY, KEY, patch)[1]


def alter_value(patch):
    blob = bytearray(patch.mutations[0].record.value.blob)
    blob[20] ^= 1
    patch.mutations[0].record.value.blob = bytes(blob)


def alter_version(patch):
    patch.version.version = 7


@pytest.mark.parametrize(
    "alter",
    [
        alter_value,
        alter_version,
        lambda patch: patch.mutations[0].record.index.ClearField("blob"),
        lambda patch: patch.mutations[0].record.value.ClearField("blob"),
        lambda patch: patch.mutations[0].record.keyID.ClearField("ID"),
        lambda patch: patch.mutations.pop(),
        lambda patch: patch.ClearField("snapshotMAC"),
        lambda patch: patch.ClearField("patchMAC"),
        lambda patch: patch.keyID.ClearField("ID"),
        lambda patch: setattr(patch.mutations[0], "operation", 1),
    ],
)
def test_an_altered_patch_is_refused(alter):
    patch, _ = build_patch(EMPTY, KEY, [push_name("a"), contact(1)])
    alter(patch)
    with pytest.raises(ProtocolError):
        decode_patch(EMPTY, KEY, patch)


def test_a_patch_of_another_key_or_collection_is_refused():
    patch, _ = build_patch(EMPTY, KEY, [push_name("a")])
    with pytest.raises(ProtocolError):
        decode_patch(EMPTY, SyncKey(KEY.key_id, bytes(32)), patch)
    with pytest.raises(ProtocolError):
        decode_patch(Collection("regular"), KEY, patch)


def test_a_patch_made_by_whatsmeow_is_read():
    patch = ServerSync.SyncdPatch.FromString(FROM_WHATSMEOW)
    [mutation], _ = decode_patch(Collection("regular_high"), KEY, patch)
    assert ["pin_v1", "1@s.whatsapp.net"] == mutation.index
    assert mutation.value.pinAction.pinned
