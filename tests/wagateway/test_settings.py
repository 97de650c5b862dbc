"""Settings: who wins, what is refused and what a refusal says."""

from pathlib import Path

import msgspec
import pytest

from wagateway.commands.webhooks import GiveUp
from wagateway.settings import Refused, Seconds, Secret, Settings, load
from wagateway.settings.forms import is_give_up, is_ignorable, is_proxy, length


def refusal(*flags: str, folder: Path, **variables: str) -> str:
    with pytest.raises(Refused) as caught:
        load(flags, variables, folder)
    return str(caught.value)


def test_without_anything_said_it_listens_on_loopback_only(tmp_path: Path) -> None:
    settings = load([], {}, tmp_path)
    assert Settings() == settings
    assert ("127.0.0.1", 3000, Path("storages")) == (settings.host, settings.port, settings.storage)


def test_w44_flags_win_over_environment_and_environment_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("APP_PORT=1\nAPP_OS=file\nWAGATEWAY_STORAGE=/file\n")
    environment = {"APP_PORT": "2", "APP_OS": "environment"}
    settings = load(["--port=3"], environment, tmp_path)
    assert (3, "environment", Path("/file")) == (settings.port, settings.os, settings.storage)


def test_an_empty_variable_is_as_if_not_set(tmp_path: Path) -> None:
    assert 3000 == load([], {"APP_PORT": ""}, tmp_path).port


@pytest.mark.parametrize("text", ["true", "1", "True"])
def test_a_switch_is_on_by_flag_or_value(tmp_path: Path, text: str) -> None:
    assert load(["--debug"], {}, tmp_path).debug
    assert load([], {"APP_DEBUG": text}, tmp_path).debug
    assert not load(["--debug=false"], {"APP_DEBUG": text}, tmp_path).debug


def test_lists_are_comma_separated(tmp_path: Path) -> None:
    settings = load(["--webhook", "http://a/x, https://b/y,"], {}, tmp_path)
    assert ["http://a/x", "https://b/y"] == settings.webhook


@pytest.mark.parametrize(
    ("flag", "named"),
    [
        ("--prot=3", "--prot"),
        ("--port=abc", "--port"),
        ("--port=70000", "--port"),
        ("--debug=maybe", "--debug"),
        ("--request-timeout=0", "--request-timeout"),
        ("--request-timeout=nan", "--request-timeout"),
        ("--webhook=ftp://a", "--webhook"),
        ("--webhook=http://", "--webhook"),
        ("--webhook=http://a http://b", "--webhook"),
        ("--webhook=http://[::1", "--webhook"),
        ("--webhook=http://a:99999/", "--webhook"),
        ("--webhook=http://\u200b/", "--webhook"),
        ("--basic-auth=user", "--basic-auth"),
        ("--basic-auth=user:", "--basic-auth"),
        ("--base-path=api", "--base-path"),
        ("--trusted-proxies=10.0.0.0/99", "--trusted-proxies"),
        ("--webhook-ignore-jids=@g.us,628111", "--webhook-ignore-jids"),
        ("--webhook-concurrency=0", "--webhook-concurrency"),
        ("--webhook-concurrency=65", "--webhook-concurrency"),
        ("--webhook-give-up=0", "--webhook-give-up"),
        ("--webhook-give-up=721h", "--webhook-give-up"),
        ("--webhook-give-up=soon", "--webhook-give-up"),
        ("--webhook-give-up=1.2.3h", "--webhook-give-up"),
        ("--event-days=-1", "--event-days"),
        ("--event-megabytes=-1", "--event-megabytes"),
        ("--dead-letter-days=-1", "--dead-letter-days"),
    ],
)
def test_a_flag_that_cannot_be_used_is_refused_by_name(tmp_path: Path, flag: str, named: str) -> None:
    assert named in refusal(flag, folder=tmp_path)


def test_a_flag_is_not_guessed_from_its_beginning(tmp_path: Path) -> None:
    assert "--stor" in refusal("--stor=/x", folder=tmp_path)


def test_a_malformed_variable_is_refused_by_its_name(tmp_path: Path) -> None:
    assert refusal(folder=tmp_path, APP_PORT="x").startswith("APP_PORT")


def test_an_unknown_variable_of_ours_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    assert "WAGATEWAY_STORAGES" in refusal(folder=tmp_path, WAGATEWAY_STORAGES="/x")
    (tmp_path / ".env").write_text("WAGATEWAY_STROAGE=/x\n")
    assert "WAGATEWAY_STROAGE" in refusal(folder=tmp_path)


def test_a_variable_of_somebody_else_is_no_concern(tmp_path: Path) -> None:
    assert Settings() == load([], {"APP_UNKNOWN": "x", "WHATSAPP_OTHER": "y"}, tmp_path)


def test_a_refused_value_is_not_repeated_when_it_may_be_a_secret(tmp_path: Path) -> None:
    assert "hush" not in refusal("--basic-auth=hush", folder=tmp_path)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org"])
def test_w30_to_listen_beyond_loopback_without_credentials_is_refused(tmp_path: Path, host: str) -> None:
    text = refusal(f"--host={host}", folder=tmp_path)
    assert host in text
    assert "--basic-auth" in text


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_credentials(tmp_path: Path, host: str) -> None:
    assert host == load([f"--host={host}"], {}, tmp_path).host


def test_with_credentials_it_listens_anywhere(tmp_path: Path) -> None:
    settings = load(["--host=0.0.0.0"], {"APP_BASIC_AUTH": "ann:one,bob:two"}, tmp_path)
    assert [Secret("ann:one"), Secret("bob:two")] == settings.basic_auth


def test_a_secret_does_not_show_itself(tmp_path: Path) -> None:
    settings = load(["--webhook-secret=hush", "--basic-auth=ann:hush"], {}, tmp_path)
    assert "hush" not in repr(settings)
    assert Secret("hush") == settings.webhook_secret


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1",
        "HTTPS://proxy.example/",
        "socks5://me:hu%40sh!$&'()*+,;=~@proxy_1.example:65535",
        "socks5://[::1]:1080",
        "http://:@localhost",
    ],
)
def test_a_proxy_is_scheme_user_host_and_port(url: str) -> None:
    assert is_proxy(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:1",
        "ftp://127.0.0.1",
        "http://",
        "http://:1",
        "http://u:p%zz@127.0.0.1:1",
        "http://u:p%4@127.0.0.1:1",
        "http://u:p bb@127.0.0.1:1",
        'socks5://u:p"<@127.0.0.1:1',
        "http://u:p@ss@127.0.0.1:1",
        "http://u:p/a@127.0.0.1:1",
        "http://u:é@127.0.0.1:1",
        "http://127.0.0.1:1\n",
        "http://127.0.0.1\t:1",
        "http://a\x00b:1",
        "http://127.0.0.1:0",
        "http://127.0.0.1:65536",
        "http://127.0.0.1:",
        "http://127.0.0.1:+1",
        "http://127.0.0.1:\u0661",
        "http://127.0.0.1:1/path",
        "http://127.0.0.1:1?a=b",
        "http://127.0.0.1:1?",
        "http://127.0.0.1:1#",
        "http://ho st:1",
        "http://%61:1",
        "http://[::1:1",
        "http://[1:2]:1",
        "http://[127.0.0.1]:1",
        " http://127.0.0.1:1",
    ],
)
def test_what_go_or_python_could_read_otherwise_is_no_proxy(url: str) -> None:
    assert not is_proxy(url)


def test_a_proxy_that_nobody_could_use_is_refused_at_the_start(tmp_path: Path) -> None:
    said = refusal("--whatsapp-proxy", "http://u:p%zz@127.0.0.1:1", folder=tmp_path)
    assert said.startswith("--whatsapp-proxy: ")
    assert "zz" not in said


def test_a_webhook_is_tried_for_four_days_and_events_are_kept_for_two_weeks_unless_told(
    tmp_path: Path,
) -> None:
    settings = load([], {}, tmp_path)
    no_jids: list[str] = []
    assert (Seconds(4 * 86400), 4, no_jids) == (
        settings.webhook_give_up,
        settings.webhook_concurrency,
        settings.webhook_ignore_jids,
    )
    assert (14, 500, 30) == (settings.event_days, settings.event_megabytes, settings.dead_letter_days)


def test_how_webhooks_are_served_can_be_said_in_the_environment(tmp_path: Path) -> None:
    variables = {
        "WHATSAPP_WEBHOOK_IGNORE_JIDS": "@g.us, 628111@s.whatsapp.net",
        "WAGATEWAY_WEBHOOK_CONCURRENCY": "16",
        "WAGATEWAY_WEBHOOK_GIVE_UP": "1h30m",
        "WAGATEWAY_EVENT_DAYS": "0",
        "WAGATEWAY_EVENT_MEGABYTES": "50",
        "WAGATEWAY_DEAD_LETTER_DAYS": "7",
    }
    settings = load([], variables, tmp_path)
    assert ["@g.us", "628111@s.whatsapp.net"] == settings.webhook_ignore_jids
    assert (16, Seconds(5400)) == (settings.webhook_concurrency, settings.webhook_give_up)
    assert (0, 50, 7) == (settings.event_days, settings.event_megabytes, settings.dead_letter_days)


@pytest.mark.parametrize("jid", ["@g.us", "@newsletter", "628111@s.whatsapp.net", "1-2@g.us", "9:3@lid"])
def test_what_is_ignored_is_a_jid_or_the_server_of_one(jid: str) -> None:
    assert is_ignorable(jid)


@pytest.mark.parametrize("text", ["", "@", "628111", "g.us", "a@b@c", "a b@g.us", "@g.us\n", "*@g.us"])
def test_what_is_no_jid_cannot_be_ignored(text: str) -> None:
    assert not is_ignorable(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), (" 4D ", 345_600), ("1d1h1m.5", 90_060.5), ("1.5h", 5400)]
)
def test_a_length_of_time_has_days_hours_minutes_and_seconds(text: str, seconds: float) -> None:
    assert Seconds(seconds) == length(text)


@pytest.mark.parametrize("text", ["", " ", "h", ".", "1.2.3", "-1", "1m1h", "4 d", "1e3", "inf"])
def test_what_is_no_length_of_time_is_none(text: str) -> None:
    assert length(text) is None


@pytest.mark.parametrize("seconds", [0, 1, 30 * 86400, 30 * 86400 + 1])
def test_the_settings_give_up_where_the_api_does(seconds: int) -> None:
    try:
        msgspec.convert(seconds, GiveUp)
        taken = True
    except msgspec.ValidationError:
        taken = False
    assert taken == is_give_up(seconds)
