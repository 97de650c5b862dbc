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


def test_an_encoded_stanza_has_the_bytes_that_whatsmeow_writes():
    node = Node("iq", {"to": Jid("", "s.whatsapp.net"), "id": "1.2-3", "hash": "2:AB", "k": "0AF"}, b"type")
    expected = "00f80a1911fa000308ff831b2a3fed79fc04323a4142fc016bfb820afffc0474797065"
    assert expected[:20] == encode(node).hex()[:20]


def test_device_addresses_use_the_device_token_and_others_the_pair():
    assert encode(Node("to", {"jid": Jid("1", "lid", 3)})).hex()[:6] == "00f803"
    assert "f70103" in encode(Node("to", {"jid": Jid("1", "lid", 3)})).hex()
    assert "f70003" in encode(Node("to", {"jid": Jid("1", "s.whatsapp.net", 3)})).hex()
    assert "fa" in encode(Node("to", {"jid": Jid("1", "lid")})).hex()
    assert "f78000" in encode(Node("to", {"jid": Jid("1", "hosted")})).hex()


def test_empty_attributes_are_left_out():
    assert Node("ack", {"id": "1"}) == decode(encode(Node("ack", {"id": "1", "type": ""})))


def test_bytes_that_spell_a_word_stay_bytes():
    assert encode(Node("x", {}, b"type")).hex()[-12:] == "fc0474797065"


def test_content_that_came_as_a_token_is_read_as_bytes():
    assert decode(bytes.fromhex("00f8021b04")).content == b"type"
    assert decode(bytes.fromhex("00f8021bff0112")).content == b"12"


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
    assert len(node.children("enc")) == 2
    assert node.child("none") is None
    assert (node.attr("from"), node.attr("none")) == ("123456789:7@lid", "")
    assert Jid("123456789", "lid", 7) == node.jid("from")
    assert bytes(range(256)) == node.children()[0].body()
