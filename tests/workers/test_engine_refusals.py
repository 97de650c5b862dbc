from collections.abc import Callable

import pytest

from wagateway.contract import Problem
from workers.engine import Uncertain
from workers.refusals import (
    of_change,
    of_group,
    of_link,
    of_newsletter,
    of_picture,
    of_query,
    of_send,
    of_user,
)

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


def answered(code: int) -> str:
    return f"info query returned status {code}: {SECRET}"


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        (answered(401), 403, "WHATSAPP_FORBIDDEN"),
        (answered(403), 403, "WHATSAPP_FORBIDDEN"),
        (answered(404), 404, "NOT_FOUND_ON_WHATSAPP"),
        ("graphql error: 404 Not Found (CRITICAL)", 404, "NOT_FOUND_ON_WHATSAPP"),
        (answered(409), 409, "CONFLICT"),
        (answered(429), 429, "RATE_LIMITED"),
        (answered(419), 400, "WHATSAPP_REFUSED"),
        (answered(500), 502, "WHATSAPP_REFUSED"),
        ("info query timed out", 503, "DEVICE_UNAVAILABLE"),
        ("websocket disconnected before info query returned response", 503, "DEVICE_UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("of", [of_query, of_change, of_group, of_user, of_picture])
def test_each_number_of_whatsapps_has_one_code(
    of: Callable[[str], Problem], text: str, status: int, code: str
) -> None:
    problem = of(text)

    assert (status, code) == (problem.status, problem.code)
    assert SECRET not in problem.message


@pytest.mark.parametrize(
    ("problem", "status", "code"),
    [
        (of_group("you're not participating in that group"), 403, "WHATSAPP_FORBIDDEN"),
        (of_group("you don't have the permission to get the group's invite link"), 403, "WHATSAPP_FORBIDDEN"),
        (of_group("that group does not exist"), 404, "NOT_FOUND_ON_WHATSAPP"),
        (of_group("invalid disappearing timer provided", change=True), 400, "WHATSAPP_REFUSED"),
        (of_link("that group invite link has been revoked"), 400, "INVALID_LINK"),
        (of_link("that group invite link is not valid", change=True), 400, "INVALID_LINK"),
        (of_link(answered(410)), 400, "INVALID_LINK"),
        (of_link(answered(401)), 403, "WHATSAPP_FORBIDDEN"),
        (of_link("info query timed out"), 503, "DEVICE_UNAVAILABLE"),
        (of_user(f"no LID found for {SECRET} from server", change=True), 404, "NOT_FOUND_ON_WHATSAPP"),
        (of_newsletter(answered(403)), 403, "WHATSAPP_FORBIDDEN"),
        (of_newsletter(answered(404)), 404, "NOT_FOUND_ON_WHATSAPP"),
        (of_picture("the given data is not a valid image"), 400, "WHATSAPP_REFUSED"),
        (of_change("server returned error updating app state: x"), 502, "WHATSAPP_REFUSED"),
    ],
)
def test_a_refusal_says_what_it_was_about(problem: Problem, status: int, code: str) -> None:
    assert (status, code) == (problem.status, problem.code)
    assert SECRET not in problem.message


def test_a_refusal_about_a_newsletter_does_not_speak_of_groups() -> None:
    message = of_newsletter(answered(403)).message
    assert "newsletter" in message
    assert "group" not in message


@pytest.mark.parametrize(
    ("text", "sure"),
    [
        ("websocket not connected", True),
        ("failed to get old group info to update topic: info query timed out", True),
        ("info query timed out", False),
        ("websocket disconnected before info query returned response", False),
        ("missing <group> element in response to create group query", False),
    ],
)
def test_a_change_without_an_answer_says_whether_it_was_made(text: str, sure: bool) -> None:
    assert sure == ("nothing was changed" in of_change(text).message)
    assert sure != ("not known" in of_change(text).message)
