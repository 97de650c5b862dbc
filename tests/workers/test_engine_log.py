from wagateway.whatsapp.protos import bare_neonize

bare_neonize()

from workers.neonize_log import fit  # noqa: E402

PROXY = "http://user:pass%20word@proxy.example:8080"


def test_the_password_of_a_proxy_is_never_logged() -> None:
    for text in (
        f'parse "{PROXY}": invalid port',
        "proxyconnect http://user:pass@word@proxy.example",
        "dial http://user:other@proxy.example:8080/",
    ):
        assert "pass" not in fit(text, PROXY).replace("parse", "")
        assert "other" not in fit(text, PROXY)


def test_without_a_proxy_a_text_is_only_cut() -> None:
    assert "a//b@c" == fit("a//b@c", "")
    assert 500 == len(fit("x" * 600, PROXY))
