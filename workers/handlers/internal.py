"""What the supervisor asks of a worker."""

from wagateway.commands.internal import ConfigureHooks, Unlink, Unlinked
from workers.device import Device


async def unlink(device: Device, _command: Unlink) -> Unlinked:
    """Log out of WhatsApp; whoever asks stops the worker afterwards."""
    return Unlinked(unlinked=await device.unlink())


async def configure_hooks(device: Device, command: ConfigureHooks) -> None:
    """Send the events elsewhere from now on."""
    await device.change_hooks(command.hooks)
