"""Asking and answering over a real socket, both ends in one process."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import msgspec
import pytest
import zmq

from wagateway.contract import Command, Problem
from wagateway.feed import Listener, Publisher
from wagateway.link import Context, Link
from wagateway.serve import Handlers, Server, collect
from wagateway.wire import Reply

SOON = 5.0


class Sum(msgspec.Struct, frozen=True):
    value: int


class Add(Command[Sum], frozen=True, kw_only=True):
    left: int
    right: Annotated[int, msgspec.Meta(ge=0)] = 1


class Nothing(Command[None], frozen=True, kw_only=True):
    pass


class State:
    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()


async def add(state: State, command: Add) -> Sum:
    return Sum(command.left + command.right)


async def wait_then_add(state: State, command: Add) -> Sum:
    state.asked.set()
    await state.go_on.wait()
    return Sum(command.left + command.right)


async def refuse(state: State, command: Add) -> Sum:
    raise Problem(409, "TAKEN", "It is taken", retry_after=7, result={"by": "ann"})


async def break_down(state: State, command: Add) -> Sum:
    raise ZeroDivisionError("secret detail")


async def say_nothing(state: State, command: Nothing) -> None:
    return None


def module(*functions: Any) -> ModuleType:
    made = ModuleType("handlers_of_a_test")
    for function in functions:
        function.__module__ = made.__name__
        setattr(made, function.__name__, function)
    return made


def handlers(function: Any = add) -> Handlers[State]:
    found: Handlers[State] = Handlers()
    found.add(Add, function)
    return found


@pytest.fixture
def context() -> Iterator[Context]:
    with zmq.Context() as made:
        yield made


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/x.sock"


async def connected(link: Link) -> None:
    await asyncio.wait_for(link.connected.wait(), SOON)


async def test_a_reply_is_typed(context: Context, address: str) -> None:
    with Server(context, address, handlers(), State()), Link(context, address) as link:
        await connected(link)
        assert Sum(5) == await link.ask(Add(left=2, right=3), SOON)


async def test_a_reply_may_be_nothing(context: Context, address: str) -> None:
    with Server(context, address, collect([module(say_nothing)]), State()), Link(context, address) as link:
        await connected(link)
        assert await link.ask(Nothing(), SOON) is None  # type: ignore[func-returns-value]


async def test_many_questions_are_answered_each_with_its_own(context: Context, address: str) -> None:
    with Server(context, address, handlers(), State()), Link(context, address) as link:
        await connected(link)
        asked = (link.ask(Add(left=number), SOON) for number in range(500))
        assert [Sum(number + 1) for number in range(500)] == await asyncio.gather(*asked)


async def test_a_problem_arrives_whole(context: Context, address: str) -> None:
    with Server(context, address, handlers(refuse), State()), Link(context, address) as link:
        await connected(link)
        with pytest.raises(Problem) as caught:
            await link.ask(Add(left=1), SOON)
        got = caught.value
        assert (409, "TAKEN", "It is taken", 7) == (got.status, got.code, got.message, got.retry_after)
        assert {"by": "ann"} == got.result


async def test_a_bug_says_nothing_outside_and_the_server_lives_on(context: Context, address: str) -> None:
    served = handlers(break_down)
    served.add(Nothing, say_nothing)
    with Server(context, address, served, State()), Link(context, address) as link:
        await connected(link)
        reply = await link.forward("Add", msgspec.msgpack.encode(Add(left=1)), SOON)
        assert 500 == reply.status
        assert b"secret" not in reply.body
        assert await link.ask(Nothing(), SOON) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("Unknown", b"\x80", 404, "COMMAND_UNKNOWN"),
        ("Add", b"", 400, "VALIDATION_ERROR"),
        ("Add", b"\xc1garbage", 400, "VALIDATION_ERROR"),
        ("Add", msgspec.msgpack.encode({"left": "x"}), 400, "VALIDATION_ERROR"),
        ("Add", msgspec.msgpack.encode({"left": 1, "right": -1}), 400, "VALIDATION_ERROR"),
        ("Add", msgspec.msgpack.encode({"left": 1, "more": 1}), 400, "VALIDATION_ERROR"),
    ],
)
async def test_what_is_no_command_is_answered_so(
    context: Context, address: str, name: str, body: bytes, status: int, code: str
) -> None:
    with Server(context, address, handlers(), State()), Link(context, address) as link:
        await connected(link)
        reply = await link.forward(name, body, SOON)
        assert status == reply.status
        assert code == msgspec.json.decode(reply.body)["code"]


async def test_a_reply_that_cannot_be_encoded_is_a_bug_and_the_server_lives_on(
    context: Context, address: str
) -> None:
    def unspeakable(state: State, command: Add) -> Sum:
        return object() if command.left else Sum(7)  # type: ignore[return-value]

    with Server(context, address, handlers(unspeakable), State()), Link(context, address) as link:
        await connected(link)
        with pytest.raises(Problem) as caught:
            await link.ask(Add(left=1), SOON)
        assert (500, "INTERNAL_SERVER_ERROR") == (caught.value.status, caught.value.code)
        assert Sum(7) == await link.ask(Add(left=0), SOON)


async def test_garbage_frames_hurt_neither_end(context: Context, address: str) -> None:
    with Server(context, address, handlers(), State()) as server, Link(context, address) as link:
        await connected(link)
        for frames in ([b""], [b"", b""], [b"x" * 16 + b"\x01\xff"], [b"a", b"b", b"c"]):
            link._socket.send_multipart(frames)
        link._replied([b"garbage"])
        link._replied([b"", b"", b""])
        assert Sum(2) == await link.ask(Add(left=1), SOON)
        await server.drain(SOON)


async def test_nobody_there_is_known_at_once(context: Context, address: str) -> None:
    with Link(context, address) as link:
        with pytest.raises(Problem) as caught:
            await link.ask(Add(left=1), SOON)
        assert (503, "DEVICE_UNAVAILABLE") == (caught.value.status, caught.value.code)


async def test_what_is_open_when_the_other_end_dies_fails_at_once(context: Context, address: str) -> None:
    state = State()
    with Link(context, address) as link:
        with Server(context, address, handlers(wait_then_add), state):
            await connected(link)
            asked = asyncio.ensure_future(link.ask(Add(left=1), 60))
            await asyncio.wait_for(state.asked.wait(), SOON)
        with pytest.raises(Problem, match="stopped before it answered") as caught:
            await asyncio.wait_for(asked, 1)
        assert 503 == caught.value.status
        assert 0 < caught.value.retry_after


async def test_a_successor_is_found_without_being_told(context: Context, address: str) -> None:
    with Link(context, address) as link:
        for _ in range(3):
            with Server(context, address, handlers(), State()):
                await connected(link)
                assert Sum(2) == await link.ask(Add(left=1), SOON)
            async with asyncio.timeout(SOON):
                while link.connected.is_set():
                    await asyncio.get_running_loop().run_in_executor(None, lambda: None)


async def test_a_deadline_passes_with_504(context: Context, address: str) -> None:
    state = State()
    with Server(context, address, handlers(wait_then_add), state), Link(context, address) as link:
        await connected(link)
        with pytest.raises(Problem) as caught:
            await link.ask(Add(left=1), 0.02)
        assert (504, "GATEWAY_TIMEOUT") == (caught.value.status, caught.value.code)
        assert {} == link._pending


async def test_an_answer_after_the_deadline_is_dropped(context: Context, address: str) -> None:
    with Link(context, address) as link:
        link._replied([b"\0" * 14, b"{}"])
        assert {} == link._pending


async def test_what_nobody_waits_for_any_more_is_not_begun(context: Context, address: str) -> None:
    state = State()
    with Server(context, address, handlers(wait_then_add), state) as server, Link(context, address) as link:
        await connected(link)
        with pytest.raises(Problem):
            await link.ask(Add(left=1), -1.0)
        state.go_on.set()
        assert Sum(3) == await link.ask(Add(left=2), SOON)
        assert set() == server._tasks


async def test_a_drain_lets_what_was_asked_be_answered(context: Context, address: str) -> None:
    state = State()
    with Server(context, address, handlers(wait_then_add), state) as server, Link(context, address) as link:
        await connected(link)
        asked = asyncio.ensure_future(link.ask(Add(left=1), SOON))
        await asyncio.wait_for(state.asked.wait(), SOON)
        began = time.monotonic()
        await server.drain(0.01)
        assert 1 > time.monotonic() - began
        state.go_on.set()
        await server.drain(SOON)
        assert Sum(2) == await asked


async def test_a_closed_link_fails_what_is_open(context: Context, address: str) -> None:
    state = State()
    with Server(context, address, handlers(wait_then_add), state):
        with Link(context, address) as link:
            await connected(link)
            asked = asyncio.ensure_future(link.ask(Add(left=1), SOON))
            await asyncio.wait_for(state.asked.wait(), SOON)
        with pytest.raises(Problem):
            await asked


async def test_a_slow_answer_does_not_hold_up_a_quick_one(context: Context, address: str) -> None:
    state = State()
    served = handlers(wait_then_add)
    served.add(Nothing, say_nothing)
    with Server(context, address, served, state), Link(context, address) as link:
        await connected(link)
        slow = asyncio.ensure_future(link.ask(Add(left=1), SOON))
        await asyncio.wait_for(state.asked.wait(), SOON)
        assert await link.ask(Nothing(), SOON) is None  # type: ignore[func-returns-value]
        assert not slow.done()
        state.go_on.set()
        assert Sum(2) == await slow


async def test_a_reply_body_is_the_envelope_untouched(context: Context, address: str) -> None:
    with Server(context, address, handlers(), State()), Link(context, address) as link:
        await connected(link)
        reply = await link.forward("Add", msgspec.msgpack.encode(Add(left=1)), SOON)
        expected = b'{"code":"SUCCESS","message":"Success","result":{"value":2},"results":{"value":2}}'
        assert Reply(reply.id, 200, 0, expected) == reply


def test_a_second_handler_of_a_command_is_refused() -> None:
    async def again(state: State, command: Add) -> Sum:
        return Sum(0)

    with pytest.raises(TypeError, match="two handlers for Add"):
        collect([module(add, again)])


def test_a_wrong_reply_type_is_refused_by_name() -> None:
    async def wrong(state: State, command: Add) -> int:
        return 0

    with pytest.raises(TypeError, match=r"wrong must return .*Sum"):
        collect([module(wrong)])


def test_a_helper_beside_the_handlers_is_not_one() -> None:
    async def _private(state: State, command: Add) -> Sum:
        return Sum(0)

    async def untyped(left, right):  # type: ignore[no-untyped-def]
        return left

    async def unrelated(text: str) -> str:
        return text

    assert frozenset() == collect([module(_private, unrelated, untyped)]).names()


async def test_every_listener_gets_a_publication(context: Context, address: str) -> None:
    first: asyncio.Queue[bytes] = asyncio.Queue()
    second: asyncio.Queue[bytes] = asyncio.Queue()
    with (
        Publisher(context, address) as publisher,
        Listener(context, address, first.put_nowait),
        Listener(context, address, second.put_nowait),
    ):
        async with asyncio.timeout(SOON):
            while first.empty() or second.empty():
                publisher.publish(b"x")
                await asyncio.get_running_loop().run_in_executor(None, lambda: None)
        assert (b"x", b"x") == (await first.get(), await second.get())


async def test_who_joins_late_begins_with_the_latest(context: Context, address: str) -> None:
    with Publisher(context, address) as publisher:
        publisher.publish(b"old")
        publisher.publish(b"latest")
        for _ in range(3):
            got: asyncio.Queue[bytes] = asyncio.Queue()
            with Listener(context, address, got.put_nowait):
                assert b"latest" == await asyncio.wait_for(got.get(), SOON)


async def test_publishing_to_nobody_waits_for_nobody(context: Context, address: str) -> None:
    with Publisher(context, address) as publisher:
        for _ in range(5000):
            publisher.publish(b"x" * 100)
