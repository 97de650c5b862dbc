import pytest

from workers.engine import Uncertain
from workers.refusals import of_query, of_send

SECRET = "628111@s.whatsapp.net"


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("server returned error 463", 429, "WA_REACHOUT_TIMELOCK"),
        ("server returned error 429", 429, "RATE_LIMITED"),
        ("server returned error 479", 502, "WHATSAPP_REFUSED"),
        (f"no LID found for {SECRET} from server", 400, "INVALID_JID"),
        ("failed to get group members: that group does not exist", 400, "INVALID_JID"),
        ("failed to get device list: info query timed out", 503, "DEVICE_UNAVAILABLE"),
        ("failed to send message node: websocket not connected", 503, "DEVICE_UNAVAILABLE"),
    ],
)
def test_a_send_that_surely_failed_says_so(text: str, status: int, code: str) -> None:
    problem = of_send(text)

    assert (status, code) == (problem.status, problem.code)
    assert not isinstance(problem, Uncertain)
    assert SECRET not in problem.message


@pytest.mark.parametrize(
    "text",
    [
        "timed out waiting for message send response",
        "websocket disconnected before message send returned response",
        "websocket not connected",  # whatsmeow's second attempt: the first had left
        "failed to send message node: write tcp: broken pipe",
        "something that no version so far has said",
    ],
)
def test_a_send_that_may_have_arrived_is_uncertain(text: str) -> None:
    assert isinstance(of_send(text), Uncertain)


def test_a_refused_question_shows_only_its_number() -> None:
    problem = of_query(f"info query returned status 403: {SECRET}")

    assert (problem.status, problem.code) == (502, "WHATSAPP_REFUSED")
    assert SECRET not in problem.message
