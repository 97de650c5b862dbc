"""Calls: phones ring linked devices, which can only reject; nobody ever talks."""

import secrets

from wagateway.sandbox import privacy
from wagateway.sandbox.network import Network, now
from wagateway.sandbox.state import GROUP, LID, USER, Account, Call, Endpoint
from wagateway.whatsapp.stanza import Jid, Node

_PLATFORM = {"platform": "android", "version": "2.26.45.78"}
_SOUND = Node("audio", {"enc": "opus", "rate": "16000"})
_PICTURE = Node("video", {"enc": "vp8"})


def begin(network: Network, caller: Account, to: Jid, *, video: bool) -> Call:
    """Ring all devices of whoever is called: an account, or the other members of a group."""
    called = to.user if to.server == GROUP else _account(network, to).number
    call = Call(secrets.token_hex(16).upper(), caller.number, called, video, now())
    network.save_call(call)
    media = [_SOUND, _PICTURE] if video else [_SOUND]
    _tell(network, call, Node("offer", {"caller_pn": caller.jid(USER)}, media), _PLATFORM)
    return call


def end(network: Network, call: Call, reason: str = "") -> None:
    """The caller hangs up: nothing rings any more."""
    if not call.ended:
        call.ended = True
        network.save_call(call)
        _tell(network, call, Node("terminate", {"reason": reason} if reason else {}), {})


def received(network: Network, sender: Endpoint, stanza: Node) -> Node:
    """A linked device says something about a call, which can only be that it rejects it; the answer."""
    reject = stanza.child("reject")
    call = network.calls.get(reject.attr("call-id")) if reject else None
    if call is not None and reject is not None and _is_for(network, call, sender, reject):
        device = str(sender.jid(USER))
        if device not in call.rejected:
            call.rejected.append(device)
            network.save_call(call)
        if call.to not in network.groups:
            end(network, call, "rejected_elsewhere")
    return Node("ack", {"class": "call", "id": stanza.attr("id"), "from": stanza.jid("to"), "type": "reject"})


def _is_for(network: Network, call: Call, sender: Endpoint, reject: Node) -> bool:
    creator = network.account(reject.jid("call-creator"))
    rung = sender.account in _accounts(network, call)
    return not call.ended and rung and creator is not None and creator.number == call.caller


def _account(network: Network, to: Jid) -> Account:
    account = network.account(to)
    assert account is not None, "who calls looks the number up first"
    return account


def _accounts(network: Network, call: Call) -> list[Account]:
    group = network.groups.get(call.to)
    numbers = group.members if group else [call.to]
    caller = network.accounts[call.caller]
    accounts = [network.accounts[number] for number in numbers if number != call.caller]
    return [account for account in accounts if not privacy.apart(account, caller)]


def _tell(network: Network, call: Call, content: Node, about_caller: dict[str, str]) -> None:
    """To every device that rings, until it acknowledges."""
    caller, group = network.accounts[call.caller], network.groups.get(call.to)
    creator: dict[str, str | Jid] = {"call-id": call.id, "call-creator": caller.jid(LID)}
    if group is not None:
        creator["group-jid"] = group.jid
    said = Node(content.tag, {**creator, **content.attrs}, content.content)
    for account in _accounts(network, call):
        for device in account.companions:
            attrs: dict[str, str | Jid] = {"from": caller.jid(LID), "id": network.next_id(), "t": str(now())}
            network.deliver(Endpoint(account, device), Node("call", {**attrs, **about_caller}, [said]))
