"""Handlers of the commands about calls, and about who is shown as online."""

from typing import Literal

from wagateway.commands.sandbox.calls import (
    CallInfo,
    Calls,
    PhoneCall,
    PhoneHangUp,
    PresenceInfo,
    ShowPresence,
)
from wagateway.contract import Problem
from wagateway.problems import invalid
from wagateway.sandbox import calls
from wagateway.sandbox.control import chat_of
from wagateway.sandbox.state import BROADCAST, NEWSLETTER, USER, Call
from wagateway.sandbox.world import World


async def phone_call(world: World, command: PhoneCall) -> CallInfo:
    """Ring."""
    phone = world.phone(command.phone)
    to = chat_of(world, phone, command.to)
    if to.server in (BROADCAST, NEWSLETTER) or world.network.account(to) is phone.account:
        raise invalid("to", "must be somebody else, or a group")
    return _info(world, calls.begin(world.network, phone.account, to, video=command.video))


async def phone_hang_up(world: World, command: PhoneHangUp) -> CallInfo:
    """Ring no more."""
    phone = world.phone(command.phone)
    call = world.network.calls.get(command.call_id)
    if call is None or call.caller != phone.account.number:
        raise Problem(404, "CALL_NOT_FOUND", "The phone has begun no such call")
    calls.end(world.network, call)
    return _info(world, call)


async def list_calls(world: World, command: Calls) -> list[CallInfo]:
    """What became of the calls."""
    network, number = world.network, world.phone(command.phone).account.number

    def own() -> list[Call]:
        return [call for call in network.calls.values() if call.caller == number]

    if command.wait:
        await network.ringing.until(
            lambda: sum(bool(call.rejected) for call in own()) >= command.rejected, command.wait
        )
    return [_info(world, call) for call in sorted(own(), key=lambda call: call.begun)]


def _info(world: World, call: Call) -> CallInfo:
    network = world.network
    group = network.groups.get(call.to)
    to = group.jid if group else network.accounts[call.to].jid(USER)
    state: Literal["ringing", "rejected", "ended"] = "ended" if call.ended else "ringing"
    if group is None and call.rejected:
        state = "rejected"
    caller = network.accounts[call.caller].jid(USER)
    return CallInfo(call.id, str(caller), str(to), call.video, call.begun, state, list(call.rejected))


async def show_presence(world: World, command: ShowPresence) -> PresenceInfo:
    """Online or not."""
    presences, number = world.network.presences, world.phone(command.phone).account.number
    if command.available is not None and command.wait:
        await presences.bell.until(lambda: (number in presences.available) == command.available, command.wait)
    return PresenceInfo(number in presences.available, presences.last_seen.get(number, 0))
