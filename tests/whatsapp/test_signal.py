import pytest

from wagateway.whatsapp.errors import DuplicateMessage, ProtocolError
from wagateway.whatsapp.keys import KeyPair
from wagateway.whatsapp.ratchet import MAX_SKIPPED
from wagateway.whatsapp.signal import SignalStore, pad, unpad


class Device:
    """A store that knows one other device, by the address `them`."""

    def __init__(self):
        self.store = SignalStore.create(prekeys=3)

    def meet(self, other):
        self.store.start_session("them", other.store.bundle())

    def write(self, text):
        return self.store.encrypt("them", text)

    def read(self, message):
        return self.store.decrypt("them", *message)

    def reload(self):
        self.store = SignalStore.load(self.store.dump())


@pytest.fixture
def pair():
    alice, bob = Device(), Device()
    alice.meet(bob)
    return alice, bob


@pytest.fixture
def talking(pair):
    alice, bob = pair
    assert b"hello" == bob.read(alice.write(b"hello"))
    assert b"hi" == alice.read(bob.write(b"hi"))
    return pair


def test_the_first_messages_begin_the_session_until_an_answer_comes(pair):
    alice, bob = pair
    first, second = alice.write(b"one"), alice.write(b"two")
    assert ["pkmsg", "pkmsg"] == [first[0], second[0]]
    assert [b"one", b"two"] == [bob.read(first), bob.read(second)]
    answer = bob.write(b"three")
    assert "msg" == answer[0]
    assert b"three" == alice.read(answer)
    assert "msg" == alice.write(b"four")[0]


def test_a_long_conversation_goes_both_ways(talking):
    alice, bob = talking
    for turn in range(20):
        writer, reader = (alice, bob) if turn % 3 else (bob, alice)
        for part in range(turn % 4 + 1):
            text = f"{turn} {part}".encode()
            assert text == reader.read(writer.write(text))


def test_both_sides_may_begin_at_once(pair):
    alice, bob = pair
    bob.meet(alice)
    from_alice, from_bob = alice.write(b"a"), bob.write(b"b")
    assert (b"a", b"b") == (bob.read(from_alice), alice.read(from_bob))
    for text in (b"1", b"2", b"3"):
        assert text == bob.read(alice.write(text))
        assert text == alice.read(bob.write(text))
    assert "msg" == alice.write(b"x")[0]


def test_messages_may_arrive_out_of_order_across_turns(talking):
    alice, bob = talking
    early = [alice.write(bytes([n])) for n in range(4)]
    assert b"\x03" == bob.read(early[3])
    assert b"turn" == alice.read(bob.write(b"turn"))
    late = [alice.write(bytes([n])) for n in range(4, 7)]
    order = [late[2], early[1], late[0], early[0], early[2], late[1]]
    assert [6, 1, 4, 0, 2, 5] == [bob.read(message)[0] for message in order]


def test_lost_messages_do_not_stop_the_conversation(talking):
    alice, bob = talking
    for _ in range(50):
        alice.write(b"lost")
    assert b"found" == bob.read(alice.write(b"found"))
    assert b"answer" == alice.read(bob.write(b"answer"))


def test_a_message_too_far_ahead_is_refused(talking):
    alice, bob = talking
    for _ in range(MAX_SKIPPED + 1):
        alice.write(b"")
    with pytest.raises(ProtocolError):
        bob.read(alice.write(b"far"))


def test_skipped_keys_are_bounded(talking):
    alice, bob = talking
    messages = [alice.write(b"x") for _ in range(2 * MAX_SKIPPED)]
    bob.read(messages[MAX_SKIPPED - 1])
    bob.read(messages[-1])
    assert MAX_SKIPPED == max(len(chain.skipped) for chain in bob.store.sessions["them"][0].receiving)


def test_a_repeated_message_is_known_as_such(talking):
    alice, bob = talking
    message = alice.write(b"once")
    bob.read(message)
    with pytest.raises(DuplicateMessage):
        bob.read(message)


def test_a_repeated_first_message_is_known_as_such(pair):
    alice, bob = pair
    message = alice.write(b"once")
    bob.read(message)
    with pytest.raises(DuplicateMessage):
        bob.read(message)


@pytest.mark.parametrize("begun", [False, True])
def test_an_altered_message_changes_nothing(pair, begun):
    alice, bob = pair
    if begun:
        bob.read(alice.write(b"begin"))
        alice.read(bob.write(b"begun"))
    kind, good = alice.write(b"good")
    before = bob.store.dump()
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= 0x40
        # A prekey message's registration id is not authenticated, so altering it may go unseen.
        try:
            bob.store.decrypt("them", kind, bytes(bad))
        except ProtocolError:
            assert before == bob.store.dump()
        else:
            bob.store = SignalStore.load(before)
    assert b"good" == bob.read((kind, good))


@pytest.mark.parametrize("size", range(0, 60, 7))
def test_garbage_is_a_protocol_error(talking, size):
    _, bob = talking
    before = bob.store.dump()
    for kind in ("msg", "pkmsg", "other"):
        for filler in (b"\x33", b"\x00", b"\xff", b"\x0a"):
            with pytest.raises(ProtocolError):
                bob.store.decrypt("them", kind, (b"\x33" + filler * size)[:size])
            with pytest.raises(ProtocolError):
                bob.store.group_decrypt("group", "them", (b"\x33" + filler * size)[:size])
            with pytest.raises(ProtocolError):
                bob.store.process_distribution("group", "them", (b"\x33" + filler * size)[:size])
    assert before == bob.store.dump()


def test_a_conversation_survives_dump_and_load_at_every_step(pair):
    alice, bob = pair
    kept = []
    for turn in range(6):
        writer, reader = (bob, alice) if turn % 2 else (alice, bob)
        kept.append((reader, writer.write(b"late"), b"late"))
        writer.reload()
        assert b"text" == reader.read(writer.write(b"text"))
        reader.reload()
    for reader, message, text in kept:
        assert text == reader.read(message)


def test_a_one_time_prekey_is_handed_out_once_and_used_once():
    bob = SignalStore.create(prekeys=2)
    bundles = [bob.bundle() for _ in range(3)]
    assert [1, 2, None] == [bundle.one_time_id for bundle in bundles]
    alice, mallory = SignalStore.create(prekeys=0), SignalStore.create(prekeys=0)
    alice.start_session("bob", bundles[0])
    mallory.start_session("bob", bundles[0])
    assert b"a" == bob.decrypt("alice", *alice.encrypt("bob", b"a"))
    with pytest.raises(ProtocolError):
        bob.decrypt("mallory", *mallory.encrypt("bob", b"m"))


def test_a_session_can_begin_without_a_one_time_prekey():
    alice, bob = SignalStore.create(prekeys=0), SignalStore.create(prekeys=0)
    alice.start_session("bob", bob.bundle())
    assert b"a" == bob.decrypt("alice", *alice.encrypt("bob", b"a"))


def test_a_new_session_after_the_old_one_is_used_by_both(talking):
    alice, bob = talking
    late = bob.write(b"late")
    alice.meet(bob)
    assert b"new" == bob.read(alice.write(b"new"))
    assert b"late" == alice.read(late)
    assert b"answer" == alice.read(bob.write(b"answer"))


def test_a_bundle_with_a_wrong_signature_begins_nothing():
    alice, bob = SignalStore.create(), SignalStore.create(identity=KeyPair.generate())
    forged = SignalStore.create().bundle()
    bundle = bob.bundle()
    with pytest.raises(ProtocolError):
        alice.start_session(
            "bob", type(bundle)(1, bundle.identity, 1, forged.signed_public, forged.signed_signature)
        )
    assert not alice.has_session("bob")
    with pytest.raises(ProtocolError):
        alice.encrypt("bob", b"a")


def test_padding_comes_off_again():
    for size in range(40):
        padded = pad(bytes(size))
        assert 1 <= len(padded) - size <= 15
        assert bytes(size) == unpad(padded)


@pytest.mark.parametrize("padded", [b"", b"\0", b"\x02", b"\x01\x03\x03"])
def test_wrong_padding_is_a_protocol_error(padded):
    with pytest.raises(ProtocolError):
        unpad(padded)


@pytest.fixture
def group():
    alice, bob = SignalStore.create(prekeys=0), SignalStore.create(prekeys=0)
    bob.process_distribution("group", "alice", alice.sender_key_distribution("group", "alice"))
    return alice, bob


def test_group_messages_are_read_in_any_order_and_once(group):
    alice, bob = group
    messages = [alice.group_encrypt("group", "alice", bytes([n])) for n in range(5)]
    assert [3, 1, 4, 0, 2] == [bob.group_decrypt("group", "alice", messages[n])[0] for n in (3, 1, 4, 0, 2)]
    with pytest.raises(DuplicateMessage):
        bob.group_decrypt("group", "alice", messages[2])


def test_a_late_member_reads_from_the_distribution_on(group):
    alice, bob = group
    before = alice.group_encrypt("group", "alice", b"before")
    carol = SignalStore.create(prekeys=0)
    carol.process_distribution("group", "alice", alice.sender_key_distribution("group", "alice"))
    after = alice.group_encrypt("group", "alice", b"after")
    assert b"after" == carol.group_decrypt("group", "alice", after)
    with pytest.raises(ProtocolError):
        carol.group_decrypt("group", "alice", before)
    assert b"before" == bob.group_decrypt("group", "alice", before)


def test_a_known_chain_is_not_moved_by_another_distribution(group):
    alice, bob = group
    early = alice.group_encrypt("group", "alice", b"early")
    bob.process_distribution("group", "alice", alice.sender_key_distribution("group", "alice"))
    assert b"early" == bob.group_decrypt("group", "alice", early)


def test_an_altered_group_message_changes_nothing(group):
    alice, bob = group
    good = alice.group_encrypt("group", "alice", b"good")
    before = bob.dump()
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= 0x40
        with pytest.raises(ProtocolError):
            bob.group_decrypt("group", "alice", bytes(bad))
    assert before == bob.dump()
    assert b"good" == bob.group_decrypt("group", "alice", good)


def test_group_chains_survive_dump_and_load(group):
    alice, bob = group
    late = alice.group_encrypt("group", "alice", b"late")
    alice, bob = SignalStore.load(alice.dump()), SignalStore.load(bob.dump())
    assert b"now" == bob.group_decrypt("group", "alice", alice.group_encrypt("group", "alice", b"now"))
    assert b"late" == SignalStore.load(bob.dump()).group_decrypt("group", "alice", late)
