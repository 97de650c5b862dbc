"""The parts of a multipart body: well-formed ones however they are cut, and hostile ones."""

import random
from collections.abc import Iterable

import msgspec
import pytest

from wagateway.front.multipart import Broken, Multipart, Part

TYPE = "multipart/form-data; boundary=xyz"
HEAD = b'Content-Disposition: form-data; name="a"\r\n\r\n'
PNG = (
    b'Content-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/PNG; x=1\r\n\r\n'
)


class Found(msgspec.Struct, frozen=True):
    part: Part
    data: bytes


async def parts(body: bytes, kind: str = TYPE, pieces: Iterable[int] = ()) -> list[Found]:
    sizes = iter(pieces)
    left = [body]

    async def more() -> bytes:
        size = next(sizes, len(left[0]))
        chunk, left[0] = left[0][:size], left[0][size:]
        return chunk

    form = Multipart(kind, more)
    found = []
    while (part := await form.next()) is not None:
        data = b""
        while chunk := await form.data():
            data += chunk
        found.append(Found(part, data))
    return found


def body(*contents: bytes, end: bytes = b"--\r\n") -> bytes:
    return b"".join(b"--xyz\r\n" + content + b"\r\n" for content in contents) + b"--xyz" + end


async def test_texts_and_files() -> None:
    text, file = await parts(body(HEAD + b"hi", PNG + b"\x89PNG\r\n\r\n--xy"))
    assert Found(Part("a", None, ""), b"hi") == text
    assert Found(Part("image", "a.png", "image/png"), b"\x89PNG\r\n\r\n--xy") == file


async def test_a_body_may_be_cut_anywhere() -> None:
    whole = b"before\r\n" + body(HEAD + b"hi", PNG + b"\r\n--xy\r\n-" * 50, HEAD, end=b"--")
    expected = await parts(whole)
    assert expected == await parts(whole, pieces=[1] * len(whole))
    dice = random.Random(7)
    for _ in range(300):
        assert expected == await parts(whole, pieces=[dice.randint(1, 40) for _ in whole])


async def test_what_is_before_the_first_boundary_and_after_the_last_is_nothing() -> None:
    assert 1 == len(await parts(b"x" * 99999 + b"\r\n" + body(HEAD + b"hi") + b"--xyz\r\n" + HEAD + b"no"))
    assert [] == await parts(b"--xyz--")


async def test_an_unread_part_is_passed_over() -> None:
    whole = body(PNG + b"z" * 1000, HEAD)

    async def more() -> bytes:
        return whole

    form = Multipart(TYPE, more)
    assert "image" == getattr(await form.next(), "name", "")
    assert "a" == getattr(await form.next(), "name", "")
    assert None is await form.next()


@pytest.mark.parametrize(
    ("parameters", "name", "filename"),
    [
        (b'name="a"; filename="x y.png"', "a", "x y.png"),
        (b"name=a;filename=x.png", "a", "x.png"),
        (b'NAME="a" ; FileName="" ;', "a", ""),
        (b'name="a;b"; filename="q\\"t\\\\.png"', "a;b", 'q"t\\.png'),
        (b'name="a"; filename="C:\\fakepath\\x.png"', "a", "C:\\fakepath\\x.png"),
        ('name="ä"; filename="😀.png"'.encode(), "ä", "😀.png"),
        (b'name="a"; filename="b"; filename*=UTF-8\'\'%e2%82%ac.png', "a", "€.png"),
        (b'name="a"; filename="b"; filename*=bogus\'\'%ff', "a", "b"),
        (b'name="a"; filename*=utf-8', "a", ""),
        (b'name="\xff"; filename="\xff"', "\ufffd", "\ufffd"),
        (b'name="a"; name="b"; filename="1"; filename="2"', "a", "1"),
    ],
)
async def test_names(parameters: bytes, name: str, filename: str) -> None:
    (found,) = await parts(body(b"Content-Disposition: form-data; " + parameters + b"\r\n\r\n"))
    assert (name, filename) == (found.part.name, found.part.filename)


@pytest.mark.parametrize(
    "kind",
    [
        'multipart/form-data; boundary="xyz"',
        "multipart/form-data; charset=bogus; Boundary=xyz;",
        TYPE + ";x=y",
    ],
)
async def test_boundaries_as_clients_write_them(kind: str) -> None:
    assert 1 == len(await parts(body(HEAD), kind))


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        'multipart/form-data; boundary="a',
        "multipart/form-data; boundary=" + "x" * 71,
        "multipart/form-data; boundary=é",
        "multipart/form-data; boundary",
        "multipart/form-data; ====",
    ],
)
async def test_no_usable_boundary(kind: str) -> None:
    with pytest.raises(Broken):
        await parts(body(HEAD), kind)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\r\n",
        b"no boundary at all",
        b"--xyz",
        b"--xyz\r\n",
        b"--xyz-",
        b"--xyz\r\n\r\n\r\n--xyz--",
        body(HEAD + b"hi", end=b""),
        body(HEAD + b"hi")[:-8],
        body(b"nonsense\r\n\r\n"),
        body(b": no name\r\n\r\n"),
        body(b" folded: yes\r\n" + HEAD),
        body(b'Content-Disposition: attachment; name="a"\r\n\r\n'),
        body(b"Content-Disposition: form-data\r\n\r\n"),
        body(b'Content-Disposition: form-data; name="a\r\n\r\n'),
        body(b'Content-Disposition: form-data; filename="a"\r\n\r\n'),
        body(b"Content-Type: multipart/mixed; boundary=b\r\n" + HEAD),
        body(b"Content-Transfer-Encoding: base64\r\n" + HEAD + b"aGk="),
        body(b"Content-Transfer-Encoding: bogus\r\n" + HEAD),
        body(HEAD + b"hi\r\n--xyzz"),
        body(b"X: " + b"y" * 9000 + b"\r\n" + HEAD),
        body(b"X: y\r\n" * 40 + HEAD),
        body(HEAD).replace(b"\r\n", b"\n"),
        b"--xyz\r\n" + b"x" * 100000,
        b"--xyz" + b" " * 100000,
    ],
)
async def test_what_is_not_multipart_is_broken(broken: bytes) -> None:
    for pieces in ([], [1] * len(broken), [7] * len(broken)):
        with pytest.raises(Broken):
            await parts(broken, pieces=pieces)


async def test_nothing_else_ever_comes_of_noise() -> None:
    dice = random.Random(11)
    whole = body(HEAD + b"hi", PNG + b"\x00\xff" * 20, HEAD)
    for _ in range(3000):
        noisy = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(noisy))
            noisy[at : at + dice.randint(0, 3)] = dice.randbytes(dice.randint(0, 3))
        try:
            await parts(bytes(noisy), pieces=[dice.randint(1, 60) for _ in noisy])
        except Broken:
            continue
