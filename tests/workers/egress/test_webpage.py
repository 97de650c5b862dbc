"""What a page says of itself is found in any page, and in hostile ones quickly."""

import time

import pytest

from workers.webpage import Webpage, read_webpage

URL = "https://example.com/a/b?c=1"


def said(page: str | bytes, charset: str = "", url: str = URL) -> Webpage:
    return read_webpage(page if isinstance(page, bytes) else page.encode(), charset, url)


def test_open_graph_comes_first() -> None:
    page = """<!DOCTYPE html><html><head><title>Plain</title>
    <meta name="description" content="Plain words"><meta name='twitter:title' content='Bird'>
    <meta property="og:title" content="Open &amp; graph"/>
    <META CONTENT="Open words" PROPERTY="OG:description">
    <meta property=og:image content=/p/1.jpg><meta property="og:image" content="/p/2.jpg">
    <link rel="canonical" href="/a/b"></head>"""
    expected = Webpage("Open & graph", "Open words", "https://example.com/p/1.jpg", "https://example.com/a/b")
    assert expected == said(page)


def test_a_plain_page_has_a_title_and_a_description() -> None:
    page = "<title lang=en>\n  A &lt;b&gt;\n title </title><meta name=description content='Two\n lines'>"
    assert Webpage("A <b> title", "Two lines", "", URL) == said(page)


def test_a_page_that_says_nothing_is_itself() -> None:
    assert Webpage("", "", "", URL) == said("<p>hello")
    assert Webpage("", "", "", URL) == said(b"")
    assert Webpage("", "", "", URL) == said(bytes(range(256)))


def test_empty_words_do_not_hide_others() -> None:
    page = '<meta property="og:title" content=""><meta name="twitter:title" content=" "><title>Title</title>'
    assert "Title" == said(page).title


def test_scripts_styles_and_comments_are_not_looked_into() -> None:
    page = """<script>var a = '<title>Script</title>';</script><style><title>Style</title></style>
    <!-- <title>Comment</title> --><textarea><title>Area</title></textarea><title>Title</title>"""
    assert "Title" == said(page).title


def test_what_comes_after_an_unclosed_script_is_script() -> None:
    assert "" == said("<script>if (a <title>no</title>").title


@pytest.mark.parametrize(
    ("image", "absolute"),
    [
        ("p.jpg", "https://example.com/a/p.jpg"),
        ("//cdn.example/p.jpg", "https://cdn.example/p.jpg"),
        ("http://10.0.0.1/p.jpg", "http://10.0.0.1/p.jpg"),  # the egress refuses it
        ("https://example.com/?a=1&amp;b=2", "https://example.com/?a=1&b=2"),
        ("data:image/png;base64,AAAA", ""),
        ("javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("http://[::1", ""),
        ("http://a:99999/", ""),
    ],
)
def test_the_picture_is_an_absolute_web_url(image: str, absolute: str) -> None:
    assert absolute == said(f'<meta property="og:image" content="{image}">').image


def test_the_base_of_the_page_counts() -> None:
    page = '<base href="https://cdn.example/x/"><meta property="og:image" content="p.jpg">'
    assert "https://cdn.example/x/p.jpg" == said(page).image


@pytest.mark.parametrize("place", ["https://bank.example/", "javascript:1", "http://[", ""])
def test_a_page_cannot_say_that_it_is_on_another_host(place: str) -> None:
    assert URL == said(f'<link rel="canonical" href="{place}">').canonical


@pytest.mark.parametrize(
    ("charset", "head", "codec"),
    [
        ("", b"", "utf-8"),
        ("utf-8", b"", "utf-8"),
        ("windows-1251", b"", "cp1251"),
        ("", b'<meta charset="koi8-r">', "koi8-r"),
        ("", b'<meta http-equiv="Content-Type" content="text/html; charset=Windows-1251">', "cp1251"),
        ("nonsense", b"<meta charset=utf-8>", "utf-8"),
        ("rot13", b"", "utf-8"),
        ("punycode", b"<meta charset=unicode_escape>", "utf-8"),
        ("iso-8859-1", b"\xef\xbb\xbf", "utf-8"),
        ("", b"\xff\xfe", "utf-16-le"),
        ("", b"\xfe\xff", "utf-16-be"),
    ],
)
def test_letters_are_read_in_the_encoding_that_is_told(charset: str, head: bytes, codec: str) -> None:
    word = "\u041f\u0440\u0438\u0432\u0435\u0442"
    assert word == said(head + f"<title>{word}</title>".encode(codec), charset).title


def test_long_words_are_cut() -> None:
    page = f"<title>{'a' * 3000}</title><meta name=description content={'b' * 5000}>"
    assert ("a" * 300, "b" * 1000) == (said(page).title, said(page).description)


def test_a_reference_to_an_endless_number_is_no_error() -> None:
    assert "a" in said(f"<title>a &#{'9' * 3000};</title><meta content='&#{'1' * 7000};' name=b>").title


def test_a_page_cut_in_the_middle_of_anything_is_read_so_far() -> None:
    page = '<title>T</title><meta name="description" content="words"><!-- c -->'
    page += '<script>s</script><base href="/x">'
    for end in range(len(page)):
        assert said(page[:end]).title in ("", "T")


@pytest.mark.parametrize(
    "piece",
    [
        "<a",
        "<meta",
        "<meta ",
        "<meta a='",
        '<meta a="x>',
        "<meta a=",
        "<meta ==",
        "<meta " + " " * 100,
        "<meta a" + " " * 100,
        "<title>",
        "<title",
        "<!--",
        "<script>",
        "</script",
        "<script></script>",
        "<link rel='" + "a " * 40,
        "<base href=",
        "&",
        "&#1",
        '<meta name="a" content="&amp;&amp;&amp;&amp;">',
        "<",
        "\0",
    ],
)
def test_a_hostile_page_takes_no_time(piece: str) -> None:
    page = (piece * 250_000)[:250_000].encode()
    begun = time.process_time()
    said(page)
    assert time.process_time() - begun < 1  # 0.1 at most here; a quadratic reader needs minutes
