"""Answers the commands about calls."""

from wagateway.commands.calls import RejectCall
from workers.device import Device
from workers.jids import person_jid


async def reject_call(device: Device, command: RejectCall) -> None:
    """Reject an incoming call."""
    device.require_login()
    await device.engine.reject_call(person_jid(command.caller_jid, "caller_jid"), command.call_id)
