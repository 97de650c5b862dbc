import random
import zlib

import pytest

from wagateway.whatsapp.errors import ProtocolError
from wagateway.whatsapp.stanza import MAX_BYTES, MAX_DEPTH, Jid, Node, decode, encode

ALICE = Jid("4915112345678", "s.whatsapp.net")

STANZAS = [
    Node("presence"),
    Node(
        "iq",
        {"to": Jid("", "s.whatsapp.net"), "type": "get", "xmlns": "w:p", "id": "12.34-5"},
        [Node("ping")],
    ),
    Node(
        "message",
        {
            "from": Jid("123456789", "lid", 7),
            "participant": ALICE,
            "id": "3EB0C431C26A1916E07A",
            "t": "1700000000",
        },
        [
            Node("enc", {"v": "2", "type": "pkmsg"}, bytes(range(256))),
            Node("enc", {"v": "2", "type": "skmsg"}, b""),
        ],
    ),
    Node(
        "ack",
        {"to": Jid("1234-5678", "g.us"), "class": "message", "error": "ABC", "name": "Zoë \N{GRINNING FACE}"},
    ),
    Node("a" * 70000, {"x": "1" * 127, "y": "1" * 128, "z": "F" * 127}, b"b" * (1 << 20)),
    Node("list", {}, [Node("item", {"id": str(n)}) for n in range(300)]),
    Node("user", {"jid": Jid("5", "hosted"), "lid": Jid("6", "hosted.lid", 99)}),
]


@pytest.mark.parametrize("node", STANZAS, ids=lambda node: node.tag[:10])
def test_a_stanza_survives_the_round_trip(node):
    assert node == decode(encode(node))


@pytest.mark.parametrize(
    ("node", "encoded"),
    [
        (Node("iq", {"to": Jid("", "s.whatsapp.net")}, [Node("ping")]), "00f8041911fa0003f801f80156"),
        (Node("to", {"jid": Jid("123456789", "lid", 7)}), "00f803110cf70107ff85123456789f"),
        (Node("participant", {"jid": Jid("1234-56", "g.us")}), "00f803050cfaff841234a56f1c"),
        (Node("enc", {"id": "3EB0C"}, b"type"), "00f8041d08fb833eb0cffc0474797065"),
        (Node("skey", {"unknown": "2:x"}, b""), "00f804ec2d5efc03323a78fc00"),
        (Node("user", {"jid": Jid("5", "hosted")}), "00f8030e0cf78000ec79"),
        (Node("reject", {"t": "1.2-3"}, b"\0\1\2"), "00f804ed001aff831b2a3ffc03000102"),
    ],
    ids=lambda value: value.tag if isinstance(value, Node) else "",
)
def test_an_encoded_stanza_has_the_bytes_that_whatsmeow_writes(node, encoded):
    assert encoded == encode(node).hex()


def test_empty_attributes_are_left_out():
    assert Node("ack", {"id": "1"}) == decode(encode(Node("ack", {"id": "1", "type": ""})))


def test_bytes_that_spell_a_word_stay_bytes():
    assert "fc0474797065" == encode(Node("x", {}, b"type")).hex()[-12:]


def test_content_that_came_as_a_token_is_read_as_bytes():
    assert b"type" == decode(bytes.fromhex("00f8021b04")).content
    assert b"12" == decode(bytes.fromhex("00f8021bff0112")).content


def test_a_compressed_stanza_is_read():
    plain = encode(STANZAS[2])
    assert STANZAS[2] == decode(b"\x02" + zlib.compress(plain[1:]))


def test_a_compressed_stanza_that_unfolds_too_far_is_refused():
    with pytest.raises(ProtocolError):
        decode(b"\x02" + zlib.compress(bytes(MAX_BYTES + 1)))


def test_nesting_is_bounded():
    node = Node("x")
    for _ in range(MAX_DEPTH + 1):
        node = Node("x", {}, [node])
    with pytest.raises(ProtocolError):
        decode(encode(node))


@pytest.mark.parametrize(
    "data",
    [
        "",
        "00",
        "0000",
        "00f800",
        "00f80100",
        "00f803041b",
        "00f8011b00",
        "00f8036bfa",
        "00f80304fafafafafafa",
        "0278",
    ],
)
def test_garbage_is_a_protocol_error(data):
    with pytest.raises(ProtocolError):
        decode(bytes.fromhex(data))


def test_random_and_mutated_bytes_give_a_stanza_or_a_protocol_error():
    random_ = random.Random(1)
    seeds = [encode(node) for node in STANZAS if len(encode(node)) < 5000]
    for _ in range(3000):
        data = bytearray(random_.choice(seeds))
        for _ in range(random_.randint(1, 4)):
            data[random_.randrange(1, len(data))] = random_.choice(
                (random_.randrange(256), random_.randrange(236, 256))
            )
        if random_.random() < 0.3:
            data = bytearray(b"\0" + random_.randbytes(random_.randint(0, 60)))
        try:
            decode(bytes(data))
        except ProtocolError:
            continue


@pytest.mark.parametrize(
    ("text", "jid"),
    [
        ("s.whatsapp.net", Jid("", "s.whatsapp.net")),
        ("1@s.whatsapp.net", Jid("1", "s.whatsapp.net")),
        ("1:2@lid", Jid("1", "lid", 2)),
        ("1-2@g.us", Jid("1-2", "g.us")),
        ("status@broadcast", Jid("status", "broadcast")),
    ],
)
def test_an_address_reads_back_as_it_is_written(text, jid):
    assert jid == Jid.parse(text)
    assert text == str(jid)


def test_an_agent_in_an_address_is_ignored():
    assert Jid("1", "s.whatsapp.net", 5) == Jid.parse("1.0:5@s.whatsapp.net")


@pytest.mark.parametrize("text", ["", "1@", "1:x@lid", "1:-2@lid", "a@b@c", "1:²@lid", "1:999999@lid"])
def test_what_is_not_an_address_is_a_protocol_error(text):
    with pytest.raises(ProtocolError):
        Jid.parse(text)


def test_bare_drops_the_device():
    assert Jid(ALICE.user, ALICE.server, 9).bare() == ALICE


def test_the_helpers_find_children_and_attributes():
    node = STANZAS[2]
    assert node.child("enc") is node.children()[0]
    assert 2 == len(node.children("enc"))
    assert node.child("none") is None
    assert ("123456789:7@lid", "") == (node.attr("from"), node.attr("none"))
    assert Jid("123456789", "lid", 7) == node.jid("from")
    assert bytes(range(256)) == node.children()[0].body()
