"""HTTP answers in the shape that every one of them has."""

from aiohttp import web
from multidict import CIMultiDict

from wagateway.contract import Problem
from wagateway.envelope import failure, success
from wagateway.wire import Reply

SERVER = "wagateway"
_JSON = CIMultiDict({"Content-Type": "application/json", "Server": SERVER})


def envelope(body: bytes, status: int = 200, retry_after: int = 0) -> web.Response:
    """A finished JSON envelope; `retry_after` is in seconds and goes out when it is not 0."""
    answer = web.Response(body=body, status=status, headers=_JSON)
    if retry_after:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def passed_on(reply: Reply) -> web.Response:
    """A process's reply, its bytes untouched."""
    return envelope(reply.body, reply.status, reply.retry_after)


def done(message: str, result: object) -> web.Response:
    """200 with a result."""
    return envelope(success(message, result))


def refused(problem: Problem) -> web.Response:
    """A problem with its status."""
    return envelope(failure(problem), problem.status, problem.retry_after)


def plain(text: str, status: int = 200) -> web.Response:
    """Plain text, for machines that only look at the status."""
    return web.Response(text=text, status=status, headers={"Server": SERVER})
