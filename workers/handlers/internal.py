"""What the supervisor asks of a worker."""

from wagateway.commands.internal import Unlink, Unlinked
from workers.device import Device


async def unlink(device: Device, _command: Unlink) -> Unlinked:
    """Log out of WhatsApp; whoever asks stops the worker afterwards."""
    return Unlinked(unlinked=await device.unlink())
